# The production image: web server by default; worker, beat and migrations are other commands of the same image.

FROM python:3.13-slim AS build
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home skybridge
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SKYBRIDGE_ENV=production \
    SKYBRIDGE_HOME=/var/lib/skybridge \
    STATIC_ROOT=/srv/static
# collectstatic needs settings that load; these values exist for this one line and are in no layer's environment.
RUN python -m compileall -q /app \
    && SECRET_KEY=build-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789 ALLOWED_HOSTS=build \
       DATABASE_URL=postgres://build@build/build REDIS_URL=redis://build S3_BUCKET=build BOARDING_PASS_KEYS=build \
       TRAVEL_DOCUMENT_KEYS=build \
       python manage.py collectstatic --noinput \
    && install -d -o skybridge -g skybridge /var/lib/skybridge
USER skybridge
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-m", "skybridge.embedded.livez"]
CMD ["python", "-m", "skybridge.web", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
     "--blocking-threads", "2", "--blocking-threads-idle-timeout", "600", "--backpressure", "64", \
     "--respawn-failed-workers", "--workers-kill-timeout", "20", "--http", "1", "--no-ws", "skybridge.wsgi:application"]
