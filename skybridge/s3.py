"""The object store in a bucket of S3, or of a server that speaks its protocol. Nothing else knows boto3."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError
from django.conf import settings

from skybridge.storage import (
    NotStored,
    StorageUnavailable,
    Stored,
    Tampered,
    require_digest,
    require_key,
    require_same,
    require_untouched,
)

TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412"}
OURS_ALREADY = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}
ALWAYS_TOLD = {"put_object": "ETag", "list_objects_v2": "IsTruncated"}  # not so by a web server that says 200 to all
ATTEMPTS = 3  # at a key that somebody else is writing


class Found(NamedTuple):
    body: bytes
    sha256: str
    version_id: str


class S3Store:
    """One client for all threads. The server is asked to check what it takes, and not trusted to have done so."""

    def __init__(self) -> None:
        self.bucket = settings.S3_BUCKET
        self.client = new_client()

    def put(self, key: str, body: bytes, *, sha256: str) -> Stored:
        require_key(key)
        require_digest(body, sha256)
        for _ in range(ATTEMPTS):
            if stored := self.write(key, body, sha256) or self.find_same(key, sha256):
                return stored
        raise StorageUnavailable("others are writing it", key)

    def get(self, key: str, *, sha256: str | None) -> bytes:
        found = self.read(key)
        require_untouched(key, found.body, found.sha256 if sha256 is None else sha256)
        return found.body

    def list(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """Yield keys by pages of a thousand, in the server's order, which by the protocol is that of their bytes."""
        if after > prefix and not after.startswith(prefix):
            return
        # Some servers answer nothing to a start outside of the prefix, and begin with the start itself.
        start = {"StartAfter": after} if after and after.startswith(prefix) else {}
        while True:
            page = self.call("list_objects_v2", Prefix=prefix, **start)
            yield from [found["Key"] for found in page.get("Contents", ()) if found["Key"] != after]
            if not page["IsTruncated"]:
                return
            start = {"ContinuationToken": page["NextContinuationToken"]}

    def versions(self, key: str) -> Sequence[Stored]:
        """Return what was stored under a key, newest first, up to a thousand. One request more for each."""
        require_key(key)
        page = self.call("list_object_versions", key, Prefix=key)
        found = [version for version in page.get("Versions", ()) if version["Key"] == key]
        if not found:
            raise NotStored("not stored", key)
        return [self.version(key, version["VersionId"]) for version in found]

    def check(self) -> None:
        self.call("list_objects_v2", MaxKeys=1)

    # --- Requests ---

    def write(self, key: str, body: bytes, sha256: str) -> Stored | None:
        """Store an object, or return None where the key is taken."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        try:
            answer = self.call(
                "put_object", key, Key=key, Body=body, IfNoneMatch="*", ChecksumSHA256=checksum,
                Metadata={"sha256": sha256},
            )  # fmt: skip
        except KeyTaken:
            return None
        return Stored(key, sha256, len(body), answer.get("VersionId", ""))

    def find_same(self, key: str, sha256: str) -> Stored | None:
        """Return what is there if it is the same; None where whoever was writing it has not come to an end."""
        try:
            found = self.read(key)
        except NotStored:
            return None
        require_same(key, found.body, sha256)
        return Stored(key, sha256, len(found.body), found.version_id)

    def read(self, key: str) -> Found:
        require_key(key)
        answer = self.call("get_object", key, Key=key)
        with s3_errors(key):
            body = answer["Body"].read()
        return Found(body, kept_in(answer), answer.get("VersionId", ""))

    def version(self, key: str, version_id: str) -> Stored:
        answer = self.call("head_object", key, Key=key, VersionId=version_id)
        return Stored(key, kept_in(answer), answer["ContentLength"], version_id)

    def call(self, operation: str, key: str = "", **parameters: Any) -> dict[str, Any]:
        """Return the answer to a request, if it is one of S3. The bucket is created if it is not there and may be."""
        answer = self.ask(operation, key, **parameters)
        if ALWAYS_TOLD.get(operation, "ResponseMetadata") not in answer:
            raise StorageUnavailable(f"{operation} was not answered by an S3 server", key)
        return answer

    def ask(self, operation: str, key: str, **parameters: Any) -> dict[str, Any]:
        request = getattr(self.client, operation)
        with s3_errors(key):
            try:
                return request(Bucket=self.bucket, **parameters)
            except self.client.exceptions.NoSuchBucket:
                if not settings.S3_CREATE_BUCKET:
                    raise
                self.create_bucket()
            return request(Bucket=self.bucket, **parameters)

    def create_bucket(self) -> None:
        """Create the bucket with versioning. Two at once do no harm."""
        region = settings.AWS_REGION
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        try:
            self.client.create_bucket(Bucket=self.bucket, **place)
        except ClientError as exc:
            if code_of(exc) not in OURS_ALREADY:
                raise
        self.client.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})


class KeyTaken(Exception):
    pass


def kept_in(answer: dict[str, Any]) -> str:
    """Return the digest kept beside an object; some servers write the names of metadata with capitals."""
    return {name.lower(): value for name, value in answer.get("Metadata", {}).items()}.get("sha256", "")


def new_client() -> Any:
    """Return a client that gives up within seconds; it takes its credentials from where boto3 always looks."""
    config = Config(
        region_name=settings.AWS_REGION,
        connect_timeout=2,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=16,
        s3={"addressing_style": settings.S3_ADDRESSING_STYLE},
        request_checksum_calculation=settings.S3_CHECKSUM_MODE,
        response_checksum_validation=settings.S3_CHECKSUM_MODE,
    )
    # A session of its own: the default one is not for several threads.
    return boto3.Session().client("s3", endpoint_url=settings.S3_ENDPOINT_URL or None, config=config)


@contextmanager
def s3_errors(key: str) -> Iterator[None]:
    try:
        yield
    except ClientError as exc:
        raise error_of(exc, key) from exc
    except FlexibleChecksumError as exc:
        raise Tampered(str(exc), key) from exc
    except BotoCoreError as exc:
        raise StorageUnavailable(str(exc), key) from exc


def error_of(exc: ClientError, key: str) -> Exception:
    code = code_of(exc)
    if code in TAKEN:
        return KeyTaken(key)
    return NotStored("not stored", key) if code == "NoSuchKey" else StorageUnavailable(str(exc), key)


def code_of(exc: ClientError) -> str:
    return exc.response.get("Error", {}).get("Code", "")
