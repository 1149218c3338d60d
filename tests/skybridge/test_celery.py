"""The worker and its broker."""

import pytest
from kombu.transport import redis as transport

from skybridge.celery import app, outlive_brokers


def close_while_the_broker_is_gone() -> None:
    """Do what a worker does then, with a message that it has not acknowledged and no connection to put it back."""
    connection = app.connection_for_read()
    channel = connection.default_channel
    channel.qos._delivered["a tag"] = object()
    channel.connection.client, channel._pool = None, None
    connection.maybe_close_channel(channel)


def test_a_worker_outlives_its_broker(monkeypatch):
    monkeypatch.setattr(transport.QoS, "restore_unacked", transport.QoS.restore_unacked)
    outlive_brokers()
    close_while_the_broker_is_gone()


def test_control_kombu_alone_ends_the_worker():
    with pytest.raises(AttributeError):
        close_while_the_broker_is_gone()
