"""The worker and its broker."""

import logging

import pytest
from kombu import Message
from kombu.transport import redis as transport

from skybridge.celery import app, outlive_brokers


def closed_channel(connection) -> transport.Channel:
    """Return a channel as it is when the broker has gone."""
    channel = connection.default_channel
    channel.connection.client, channel._pool = None, None
    return channel


def close() -> None:
    """Put messages back, as a worker does when it notices."""
    connection = app.connection_for_read()
    channel = closed_channel(connection)
    channel.qos._delivered["a tag"] = object()
    connection.maybe_close_channel(channel)


def acknowledge() -> None:
    """Acknowledge a message, as a worker does when its task ends later still."""
    connection = app.connection_for_read()
    message = Message(channel=closed_channel(connection), delivery_tag="a tag")
    message.ack_log_error(logging.getLogger(__name__), connection.connection_errors)


both = pytest.mark.parametrize("act", [close, acknowledge])


@both
def test_a_worker_outlives_its_broker(monkeypatch, act):
    monkeypatch.setattr(transport.Channel, "_connparams", transport.Channel._connparams)
    outlive_brokers()
    act()


@both
def test_control_kombu_alone_ends_the_worker(act):
    with pytest.raises(AttributeError):
        act()
