"""All settings, read from the environment; nothing else in the project reads it.

`SKYBRIDGE_ENV` is `development` (default), `test` or `production`. Production refuses to start with a default
secret or without its databases.
"""

import warnings
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
DEFAULT_SECRET_KEY = "insecure-development-key"

env = environ.Env()
ENVIRONMENT = env.str("SKYBRIDGE_ENV", "development")
if ENVIRONMENT not in ("development", "test", "production"):
    raise ImproperlyConfigured(f"SKYBRIDGE_ENV is development, test or production, not {ENVIRONMENT!r}.")
IN_PRODUCTION = ENVIRONMENT == "production"
HOME = Path(env.str("SKYBRIDGE_HOME", str(BASE_DIR / "var")))
AIRLINE_NAME = env.str("AIRLINE_NAME", "SkyBridge")

SECRET_KEY = env.str("SECRET_KEY", DEFAULT_SECRET_KEY)
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if IN_PRODUCTION else ["*"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Where mails lead to; "" in production when nobody has said it: then they name no address.
SITE_ADDRESS = env.str("SITE_ADDRESS", "") or next(
    (origin for origin in CSRF_TRUSTED_ORIGINS if "*" not in origin),
    "" if IN_PRODUCTION else f"http://127.0.0.1:{env.str('PORT', '8000')}",
)

if IN_PRODUCTION:
    if SECRET_KEY == DEFAULT_SECRET_KEY or SECRET_KEY.startswith("change") or len(SECRET_KEY) < 50:
        raise ImproperlyConfigured("Production needs SECRET_KEY: 50 random characters or more, not a default.")
    for name in ("DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "BOARDING_PASS_KEYS", "TRAVEL_DOCUMENT_KEYS"):
        if not env.str(name, ""):
            raise ImproperlyConfigured(f"Production needs {name} in the environment.")

INSTALLED_APPS = [
    "skybridge.apps.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "skybridge",
    "partners",
    "flights",
    "ticketing",
    "bookings",
    "orders",
]

MIDDLEWARE = [
    "skybridge.lane.api_lane",  # what follows is for pages and for calls with a session
    "skybridge.middleware.request_context",
    "skybridge.middleware.security_headers",
    "skybridge.middleware.own_refusals",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "skybridge.staff_sessions.watch",
    "skybridge.sign_in.require_second_factor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "skybridge.urls"
WSGI_APPLICATION = "skybridge.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "skybridge.pages.site",
                "partners.pages.looking",
            ]
        },
    }
]

# --- PostgreSQL: one connection per thread, statements bound and prepared on the server ---
DATABASES = {"default": env.db_url("DATABASE_URL", "postgres://skybridge@127.0.0.1:5432/skybridge")}
DATABASES["default"].update(
    ENGINE="skybridge.postgresql",
    CONN_MAX_AGE=None,
    OPTIONS={
        "server_side_binding": True,
        "prepare_threshold": None if env.bool("DATABASE_TRANSACTION_POOLER", False) else 1,
        "connect_timeout": 5,
        # Who waits longer than this for a lock is told to come back (503), see skybridge/problems.py.
        "options": "-c lock_timeout=3000 -c idle_in_transaction_session_timeout=60000 "
        f"-c statement_timeout={env.int('STATEMENT_TIMEOUT_MS', 0)}",
        **DATABASES["default"].get("OPTIONS", {}),
    },
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Valkey (or Redis): throttling and the Celery broker ---
REDIS_URL = env.str("REDIS_URL", "redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = REDIS_URL
# A broker that is down, or that stops answering, is noticed; what a message would have started is in the database.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 0.5,
    "socket_timeout": 5,
    "max_retries": 1,
    "interval_start": 0,
}
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "sweep-executions": {"task": "orders.sweep_executions", "schedule": timedelta(seconds=2)},
    "store-backups": {"task": "orders.store_backups", "schedule": timedelta(seconds=5)},
    "return-unused-payments": {"task": "orders.return_unused_payments", "schedule": timedelta(minutes=1)},
    "keep-dashboard": {"task": "orders.keep_dashboard", "schedule": timedelta(seconds=30)},
    "lapse-failed-orders": {"task": "orders.lapse_failed_orders", "schedule": timedelta(minutes=1)},
    "depart-flights": {"task": "ticketing.depart_flights", "schedule": timedelta(seconds=30)},
    "refund-undecided": {"task": "orders.refund_undecided", "schedule": timedelta(minutes=1)},
    "expire-holds": {"task": "bookings.expire_holds", "schedule": timedelta(seconds=10)},
    "reconcile-payments": {"task": "partners.reconcile_payments", "schedule": timedelta(seconds=10)},
    "delete-travel-documents": {"task": "ticketing.delete_travel_documents", "schedule": timedelta(hours=1)},
    "clear-sessions": {"task": "skybridge.clear_sessions", "schedule": timedelta(days=1)},
    "purge-idempotency-keys": {"task": "skybridge.purge_idempotency_keys", "schedule": timedelta(hours=1)},
}

# --- Object store: S3, or a directory where S3_BUCKET is empty; production never guesses the directory ---
S3_BUCKET = env.str("S3_BUCKET", "")
S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", "")
AWS_REGION = env.str("AWS_REGION", "") or "us-east-1"
S3_ADDRESSING_STYLE = env.str("S3_ADDRESSING_STYLE", "") or ("path" if S3_ENDPOINT_URL else "auto")
S3_CHECKSUM_MODE = env.str("S3_CHECKSUM_MODE", "") or "when_required"
S3_CREATE_BUCKET = env.bool("S3_CREATE_BUCKET", bool(S3_ENDPOINT_URL))
STORAGE_DIRECTORY = Path(env.str("STORAGE_DIRECTORY", "") or HOME / "objects")
if S3_BUCKET and env.str("STORAGE_DIRECTORY", ""):
    raise ImproperlyConfigured("Objects go to S3_BUCKET or to STORAGE_DIRECTORY, not to both.")
if S3_ENDPOINT_URL and not S3_BUCKET:
    raise ImproperlyConfigured("S3_ENDPOINT_URL needs S3_BUCKET.")
if IN_PRODUCTION and not S3_BUCKET and not env.str("STORAGE_DIRECTORY", ""):
    raise ImproperlyConfigured("Production needs S3_BUCKET, or STORAGE_DIRECTORY if a disk of its own shall do.")
for name, known in {
    "S3_ADDRESSING_STYLE": ("auto", "path", "virtual"),
    "S3_CHECKSUM_MODE": ("when_required", "when_supported"),
}.items():
    if vars()[name] not in known:
        raise ImproperlyConfigured(f"{name} is {' or '.join(known)}, not {vars()[name]!r}.")

# --- Mail: to files in development ---
vars().update(env.email_url("EMAIL_URL", "smtp://localhost:25" if IN_PRODUCTION else f"filemail:///{HOME}/mail"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("MAIL_FROM", "orders@skybridge.example")

# What /readyz tells besides: a name and a function that returns "ok" or what is the matter. It never makes it 503.
HEALTH_DETAILS = {"backups": "orders.backups.health"}

# --- Who may call ---
JWT_ISSUER = env.str("JWT_ISSUER", "")
JWT_AUDIENCE = env.list("JWT_AUDIENCE", default=[])
JWT_JWKS_URL = env.str("JWT_JWKS_URL", "")
API_KEY_CACHE_SECONDS = 3  # a revoked key stops working within this time, in every process
TRAVELLER_PLAN = {"name": "traveller", "rate": 50, "burst": 100}
SESSION_PLAN = {"name": "session", "rate": 50, "burst": 100}

# --- Who vouches for boarding passes: P-256 keys as PEM, the signing one first (docs/boarding-passes.md) ---
# Development makes one of its own and keeps it in HOME.
BOARDING_PASS_KEYS = env.str("BOARDING_PASS_KEYS", "", multiline=True)

# --- The workflow of orders ---
EXECUTION_ARN_PREFIX = (
    f"arn:aws:states:{env.str('EXECUTION_REGION', 'us-east-1')}:{env.str('EXECUTION_ACCOUNT', '123456789012')}"
    ":execution:OrderProcessingStateMachine:"
)
EXECUTION_TIMEOUT = timedelta(hours=env.int("EXECUTION_TIMEOUT_HOURS", 24))

# --- The airline's rules ---
HOLD_DURATION = timedelta(minutes=env.int("HOLD_MINUTES", 20))
QUOTE_LIFETIME = timedelta(minutes=env.int("QUOTE_MINUTES", 15))
SALES_CLOSE_BEFORE_DEPARTURE = timedelta(minutes=env.int("SALES_CLOSE_MINUTES", 60))
# --- Check-in and boarding, in minutes before departure ---
CHECK_IN_OPENS = timedelta(minutes=env.int("CHECK_IN_OPENS_MINUTES", 24 * 60))
CHECK_IN_CLOSES = timedelta(minutes=env.int("CHECK_IN_CLOSES_MINUTES", 60))
BOARDING_OPENS = timedelta(minutes=env.int("BOARDING_OPENS_MINUTES", 60))
BOARDING_CLOSES = timedelta(minutes=env.int("BOARDING_CLOSES_MINUTES", 15))
BOARDING_CALL = timedelta(minutes=env.int("BOARDING_CALL_MINUTES", 45))  # the time printed on passes
FREE_CHECKED_BAGS = env.int("FREE_CHECKED_BAGS", 1)  # per passenger who has a seat
MAX_BAG_KG = env.int("MAX_BAG_KG", 32)
# What seals passports and second factors: Fernet keys, the sealing one first. Development derives one from SECRET_KEY.
TRAVEL_DOCUMENT_KEYS = env.list("TRAVEL_DOCUMENT_KEYS", default=[])
TRAVEL_DOCUMENT_LIFETIME = timedelta(days=env.int("TRAVEL_DOCUMENT_DAYS", 7))  # after the last flight
# --- Disruption: see orders/reaccommodation.py; until when there is a choice, and what a short delay is ---
MINIMUM_CONNECTION = timedelta(minutes=env.int("MINIMUM_CONNECTION_MINUTES", 45))
REACCOMMODATION_WINDOW = timedelta(hours=env.int("REACCOMMODATION_HOURS", 72))
DISRUPTION_CHOICE = timedelta(hours=env.int("DISRUPTION_CHOICE_HOURS", 72))
SHORT_DELAY = timedelta(minutes=env.int("SHORT_DELAY_MINUTES", 180))  # Source: 14 CFR 260.2, 3 and 6 hours
SHORT_INTERNATIONAL_DELAY = timedelta(minutes=env.int("SHORT_INTERNATIONAL_DELAY_MINUTES", 360))
ACCOUNTING_CODE = env.str("ACCOUNTING_CODE", "000")  # of tickets whose carrier has none
CURRENCY = env.str("CURRENCY", "USD")
# How long a failed order keeps what it has taken: one that failed by our fault, and one that was refused (a bad card).
FAILED_ORDER_LIFETIME = timedelta(hours=env.int("FAILED_ORDER_HOURS", 24))
REFUSED_ORDER_LIFETIME = timedelta(minutes=env.int("REFUSED_ORDER_MINUTES", 60))
IDEMPOTENCY_KEY_LIFETIME = timedelta(hours=24)
ECONOMY_SHARE = Decimal("0.92")  # of a flight whose schedule gives one seat count, see flights/schedules.py

# --- Money: what a new account may owe in its currency (empty: any amount), and who charges cards ---
AGENCY_CREDIT_LIMIT = Decimal(limit) if (limit := env.str("AGENCY_CREDIT_LIMIT", "")) else None
CUSTOMER_CREDIT_LIMIT = Decimal(limit) if (limit := env.str("CUSTOMER_CREDIT_LIMIT", "10000")) else None
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", "")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", "https://api.stripe.com")
# `stripe`, `sandbox` (test tokens, no money), or empty: no payments by card. Production never guesses the sandbox.
PAYMENT_PROVIDER = env.str("PAYMENT_PROVIDER", "") or (
    "stripe" if STRIPE_SECRET_KEY else "" if IN_PRODUCTION else "sandbox"
)
if PAYMENT_PROVIDER not in ("", "sandbox", "stripe"):
    raise ImproperlyConfigured(f"PAYMENT_PROVIDER is sandbox or stripe, not {PAYMENT_PROVIDER!r}.")
PAYMENT_ANSWER_WITHIN = timedelta(seconds=10)  # then the provider is asked what came of a payment
PAYMENT_UNHEARD_AFTER = timedelta(minutes=5)  # then what the provider does not know of never reached it

# --- API ---
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "partners.authentication.ApiKeyAuthentication",
        "partners.authentication.BearerAuthentication",
        "partners.authentication.StaffSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["partners.authentication.IsKnownCaller"],
    "DEFAULT_THROTTLE_CLASSES": ["partners.throttling.PlanThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "skybridge.problems.problem_from_exception",
    "DEFAULT_SCHEMA_CLASS": "skybridge.schema.Schema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SkyBridge",
    "DESCRIPTION": (BASE_DIR / "skybridge" / "introduction.md").read_text(),
    "VERSION": "0.1.0",
    "TAGS": [
        {"name": "Flights", "description": "Find what can be sold."},
        {"name": "Bookings", "description": "Hold seats, confirm, change, cancel, refund: the calls to build on."},
        {"name": "Quotes", "description": "What a cancellation or change costs, and carrying it out at that price."},
        {"name": "Money", "description": "What an account owes: statements and settlements."},
        {"name": "Managed bookings", "description": "The same bookings by event (a flight) and user."},
        {"name": "Tickets", "description": "Tickets by user and by event."},
        {"name": "Check-in", "description": "Seats, check-in, bags, boarding passes: single calls and REST."},
        {"name": "Gate", "description": "Scan boarding passes, read the manifest, close the flight."},
        {"name": "Disruption", "description": "Delayed and cancelled flights: who is touched, and what they choose."},
        {"name": "Orders", "description": "Sell bookings and products together; what is sold beside flights."},
        {"name": "Executions", "description": "How orders are processed: states, history, stop, redrive."},
        {"name": "By flight number", "description": "The same bookings by flight number and date, in single calls."},
    ],
    "PREPROCESSING_HOOKS": ["skybridge.schema.without_trailing_slash"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "OrderStatusEnum": "orders.models.Order.Status",
        "ExecutionStatusEnum": "orders.models.Execution.Status",
        "PaymentMethodEnum": "orders.models.Order.PaymentMethod",
        "BagStatusEnum": "ticketing.models.Bag.Status",
        "FlightStatusEnum": "flights.models.Flight.Status",
        "CouponStatusEnum": "ticketing.models.Coupon.Status",
        "ScanKindEnum": "ticketing.models.Scan.Kind",
        "ScanResultEnum": ["accepted", "refused"],
        "ConflictKindEnum": ["boarded_twice", "boarded_after_close", "device_accepted", "device_refused"],
        "QuoteStatusEnum": ["open", "confirmed", "superseded", "expired"],
        "DisruptionChoiceEnum": ["accept", "rebook", "refund"],
        "DisruptionConcernEnum": ["waiting", "rebooked"],
        "DisruptionKindEnum": ["delay", "retime", "aircraft", "cancellation"],
        "BookingActionEnum": ["confirm", "cancel", "refund"],
        "OrderActionEnum": ["process", "ship", "deliver", "cancel", "fail", "delete"],
        "ExecutionActionEnum": ["stop", "redrive"],
    },
}

# --- Language, time, static files ---
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español"), ("ar", "العربية")]  # of the pages; all else speaks English
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_HTTPONLY, LANGUAGE_COOKIE_SECURE = True, IN_PRODUCTION
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
TIME_ZONE = "UTC"
USE_I18N = True
FORMAT_MODULE_PATH = "skybridge.formats"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", str(HOME / "static"))
STATICFILES_DIRS = [BASE_DIR / "skybridge" / "static"]
WHITENOISE_USE_FINDERS = not IN_PRODUCTION
if WHITENOISE_USE_FINDERS:  # the files come from where they are written, so STATIC_ROOT need not be there
    warnings.filterwarnings("ignore", "No directory at", UserWarning)
STORAGES = {
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if IN_PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
# Schedules that staff upload wait here for their confirmation; several hosts share one directory.
UPLOAD_DIRECTORY = Path(env.str("UPLOAD_DIRECTORY", "") or HOME / "uploads")
UPLOAD_LIFETIME = timedelta(hours=1)
MOST_UPLOADED_BYTES = env.int("SCHEDULE_UPLOAD_MB", 20) * 1_000_000
MOST_UNPACKED_BYTES = 10 * MOST_UPLOADED_BYTES

# --- Security ---
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "home"
# Whoever fails to sign in so often, by user name and address, waits; keys and tokens are never locked out.
AXES_FAILURE_LIMIT = env.int("SIGN_IN_FAILURES", 5)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("SIGN_IN_LOCK_MINUTES", 15))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_CALLABLE = "skybridge.sign_in.locked_out"
AXES_USERNAME_CALLABLE = "skybridge.sign_in.name_tried"
AXES_CLIENT_IP_CALLABLE = "skybridge.client_addresses.household"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "csrfmiddlewaretoken"]
AXES_DISABLE_ACCESS_LOG = True  # sessions are written down in skybridge/staff_sessions.py
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
# How many proxies of ours stand in front and write X-Forwarded-For: 0 believes none.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)
# `required`: staff without a second factor can only set one up.
STAFF_SECOND_FACTOR = env.str("STAFF_SECOND_FACTOR", "optional")
if STAFF_SECOND_FACTOR not in ("optional", "required"):
    raise ImproperlyConfigured(f"STAFF_SECOND_FACTOR is optional or required, not {STAFF_SECOND_FACTOR!r}.")
OTP_TOTP_ISSUER = AIRLINE_NAME
# Refunds above this amount, in CURRENCY, need a second person, whose word holds for so long.
REFUND_APPROVAL_ABOVE = Decimal(env.str("REFUND_APPROVAL_ABOVE", "500"))
APPROVAL_LIFETIME = timedelta(hours=env.int("APPROVAL_HOURS", 24))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IN_PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if IN_PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IN_PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^livez/?$", r"^readyz/?$"]
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "skybridge.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},  # what nobody caught, with its traceback
        "celery.beat": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},  # a line for each run of a periodic task would hide the others
        "celery.worker.strategy": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
    },
}
