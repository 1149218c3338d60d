"""What settings read from the environment, and what they refuse."""

import os
import runpy
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

SETTINGS = str(Path(__file__).parents[2] / "skybridge" / "settings.py")
PRODUCTION = {
    "SKYBRIDGE_ENV": "production",
    "SECRET_KEY": "0123456789" * 5,
    "ALLOWED_HOSTS": "skybridge.example",
    "DATABASE_URL": "postgres://user@host/name",
    "REDIS_URL": "redis://host",
    "BOARDING_PASS_KEYS": "-----BEGIN PRIVATE KEY-----",
    "TRAVEL_DOCUMENT_KEYS": "one,two",
}


@pytest.fixture
def read(monkeypatch):
    """Return a function that reads the settings in an environment with nothing but these variables."""

    def read(**variables: str) -> dict:
        with monkeypatch.context() as patch:
            patch.setattr(os, "environ", variables)
            patch.setattr("environ.Env.ENVIRON", variables)
            return runpy.run_path(SETTINGS)

    return read


def test_objects_are_files_in_development(read):
    settings = read(SKYBRIDGE_HOME="/home")
    assert settings["S3_BUCKET"] == ""
    assert settings["STORAGE_DIRECTORY"] == Path("/home/objects")


@pytest.mark.parametrize(
    "variables",
    [{"S3_BUCKET": "bucket"}, {"S3_BUCKET": "bucket", "STORAGE_DIRECTORY": ""}, {"STORAGE_DIRECTORY": "/objects"}],
)
def test_production_says_where_objects_go(read, variables):
    read(**PRODUCTION, **variables)


def test_production_never_guesses_a_directory(read):
    with pytest.raises(ImproperlyConfigured, match="S3_BUCKET"):
        read(**PRODUCTION)


@pytest.mark.parametrize(
    "name", ["DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "BOARDING_PASS_KEYS", "TRAVEL_DOCUMENT_KEYS"]
)
def test_production_starts_with_all_that_it_needs(read, name):
    with pytest.raises(ImproperlyConfigured, match=name):
        read(**{**PRODUCTION, "S3_BUCKET": "bucket", name: ""})


def test_settings_of_a_server_of_ones_own(read):
    settings = read(S3_BUCKET="bucket", S3_ENDPOINT_URL="http://s3", S3_ADDRESSING_STYLE="", S3_CHECKSUM_MODE="")
    assert (settings["S3_ADDRESSING_STYLE"], settings["S3_CHECKSUM_MODE"]) == ("path", "when_required")
    assert settings["S3_CREATE_BUCKET"]


def test_settings_of_amazon(read):
    settings = read(S3_BUCKET="bucket", S3_ENDPOINT_URL="", AWS_REGION="")
    assert (settings["S3_ADDRESSING_STYLE"], settings["AWS_REGION"]) == ("auto", "us-east-1")
    assert not settings["S3_CREATE_BUCKET"]


@pytest.mark.parametrize(
    "variables",
    [
        {"S3_ENDPOINT_URL": "http://s3"},
        {"S3_BUCKET": "bucket", "STORAGE_DIRECTORY": "/objects"},
        {"S3_BUCKET": "bucket", "S3_ADDRESSING_STYLE": "dns"},
        {"S3_BUCKET": "bucket", "S3_CHECKSUM_MODE": "always"},
    ],
)
def test_contradictions_are_refused(read, variables):
    with pytest.raises(ImproperlyConfigured):
        read(**variables)


def test_a_second_factor_is_optional_or_required(read):
    assert read()["STAFF_SECOND_FACTOR"] == "optional"
    assert read(STAFF_SECOND_FACTOR="required")["STAFF_SECOND_FACTOR"] == "required"
    with pytest.raises(ImproperlyConfigured, match="STAFF_SECOND_FACTOR"):
        read(STAFF_SECOND_FACTOR="always")
