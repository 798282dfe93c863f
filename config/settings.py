"""Every setting of Salon, read from the environment in this one file.

An unset variable means the embedded part (see config/local/); a wrong one stops the start with a
sentence that names it (config/environment.py).
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONE, SELF

from config import environment as env
from config.observability import reporting
from config.schedule import SCHEDULE

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = env.path("VAR_DIR", BASE_DIR / "var")

# --- Where we run -------------------------------------------------------------------------------
DEBUG = env.boolean("DEBUG", False)
SHARED = env.names_shared_services(VAR_DIR)  # then secrets are set, not made
SECRET_KEY = env.secret_key("SECRET_KEY", VAR_DIR / "secret_key", is_shared=SHARED)
SECRET_KEY_FALLBACKS = env.older_keys("SECRET_KEY_FALLBACKS")
SITE_NAME = env.string("SITE_NAME", "Salon")
SITE_URL = env.url("SITE_URL", "http://127.0.0.1:8000")
DEMO = env.demo("DEMO", SITE_URL)  # demo accounts, loopback only
ALLOWED_HOSTS = env.strings("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.strings("CSRF_TRUSTED_ORIGINS", [SITE_URL])
HTTPS = SITE_URL.startswith("https://")
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^statusz$"]  # probes speak plain HTTP
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.boolean("BEHIND_PROXY", False) else None
NUM_PROXIES = env.integer("NUM_PROXIES", 0, least=0)  # ours, in front: lib.http.client_address trusts so many
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

# --- Apps: layers, each importing only from those below it --------------------------------------------
INSTALLED_APPS = [
    "ratings.apps.RatingsConfig",
    "feed.apps.FeedConfig",
    "generation",
    "moderation.apps.ModerationConfig",
    "accounts.apps.AccountsConfig",
    "config.admin_site.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "config.static_files.StaticConfig",
    "config.backups.apps.BackupsConfig",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "django_prometheus",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "rest_framework",
]
MIDDLEWARE = [
    "lib.http.reading.ReadingMiddleware",  # around all that uses the cache
    "lib.http.input.InputMiddleware",  # before all that read addresses, headers and cookies
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "config.observability.request_ids.RequestIdMiddleware",
    "lib.http.compression.PageCompressionMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.sign_in.access.AccessMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.errors.RefusalMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
TEMPLATES_DIR = env.path("TEMPLATES_DIR", VAR_DIR / "templates")  # of the operator: stand before ours
CONTACT_EMAIL = env.string("CONTACT_EMAIL", "")
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [TEMPLATES_DIR, BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context_processors.site",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Data ---------------------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {"default": env.database("DATABASE_URL", VAR_DIR)}
DATABASES["default"] |= {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}
_options: dict[str, Any] = DATABASES["default"].setdefault("OPTIONS", {})
DATABASE_POOL_SIZE = env.integer("DATABASE_POOL_SIZE", 0, least=0)  # the web sets it; 0 is no pool
if DATABASE_POOL_SIZE:
    _options["pool"] = {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 5}
# A server that vanished without a word is given up on, so that a page is a 503 rather than a wait without end.
for _option, _value in {"connect_timeout": 5, "keepalives_idle": 10, "tcp_user_timeout": 20_000}.items():
    _options.setdefault(_option, _value)
# Uses after which a statement that asks for it (prepared_query) is prepared; 0 behind a pooler that cannot.
DATABASE_PREPARE_AFTER = env.integer("DATABASE_PREPARE_AFTER", 2, least=0)
_options["prepare_threshold"] = DATABASE_PREPARE_AFTER or None
# In transaction mode pgbouncer gives each transaction another connection: no cursor of the server outlives one.
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = env.boolean("BEHIND_PGBOUNCER", False)
REDIS_URL = env.redis("REDIS_URL", VAR_DIR)
CACHES = {"default": {"BACKEND": "lib.cache.ValkeyCache", "LOCATION": REDIS_URL}}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

S3_BUCKET = env.string("S3_BUCKET", "")
MEDIA_ROOT = VAR_DIR / "media"
RELEASES_ROOT = VAR_DIR / "releases"
STATIC_ROOT = env.path("STATIC_DIR", VAR_DIR / "static")
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "config.static_files.StyleFinder",
]
STORAGES: dict[str, dict[str, Any]] = {
    "default": env.storage("media", S3_BUCKET, MEDIA_ROOT),
    "releases": env.storage("releases", S3_BUCKET, RELEASES_ROOT, seconds=60),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.static_files.StaticStorage"
    },
}
# Source maps are megabytes of text that only a debugger asks for: brotli would spend a minute on them.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS: tuple[str, ...] = (
    "avif",
    "br",
    "gz",
    "jpg",
    "map",
    "png",
    "webp",
    "woff",
    "woff2",
    "zip",
)
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# --- Who ------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "accounts.sign_in.backends.AccountBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [{"NAME": "accounts.sign_in.passwords.EndTokens"}]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
EMAIL_URL = env.string("EMAIL_URL", "")
vars().update(env.email(EMAIL_URL, VAR_DIR / "mail"))
DEFAULT_FROM_EMAIL = env.string("DEFAULT_FROM_EMAIL", "salon@localhost")
ACCOUNT_ADAPTER = "accounts.sign_in.adapter.AccountAdapter"
ACCOUNT_FORMS = {"signup": "accounts.sign_in.forms.SignupForm"}
ACCOUNT_PREVENT_ENUMERATION = "strict"  # no page tells whether an address is registered
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # an open browser is not enough to take an account over
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email" + ("*" if EMAIL_URL else ""), "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if EMAIL_URL else "none"
ACCOUNT_USERNAME_MIN_LENGTH = 3
ACCOUNT_USERNAME_VALIDATORS = "moderation.screening.usernames.username_validators"
ACCOUNT_SIGNUP_FORM_HONEYPOT_FIELD = "homepage"
ACCOUNT_LOGOUT_ON_GET = False
USERSESSIONS_TRACK_ACTIVITY = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = not EMAIL_URL  # without a mail server no address can be confirmed
STAFF_NEED_SECOND_FACTOR = env.boolean("STAFF_NEED_SECOND_FACTOR", HTTPS)  # for /admin/

# Lower layers call higher ones by the names here (lib/hooks.py), and import nothing of them.
PERSONAL_DATA = ["moderation.personal_data", "generation.personal_data", "feed.personal_data", "ratings.personal_data"]
_KINDS = ("Member", "Post", "Comment", "Collection", "StyleName", "ThemeIdea")
MODERATION_TARGETS = [
    "generation.moderation_targets.ImageTarget",
    *(f"feed.moderation_targets.{kind}Target" for kind in _KINDS),
]
CLOSED_ACCOUNTS = ["moderation.closed_accounts.explain"]  # sentences for a member who cannot sign in
MODERATION_EFFECTS = ["generation.effects", "feed.effects", "ratings.effects"]
AUDIENCE = ["feed.audience"]
POST_VISIBILITY_HOOKS = [  # called with post ids and the time, in this order, inside the transaction of the change
    "feed.ranking.entries.refresh_entries",
    "feed.styles.services.forget_hidden_prompts",
    "feed.lists.fast.anonymous_cache.on_visibility_change",
    "feed.search.indexing.refresh_search",
    "feed.challenges.results.follow_visibility",
]
POST_DELETION_HOOKS = [  # called with the ids of posts that were just deleted
    "feed.ranking.entries.delete_entries",
    "feed.collections.services.forget_posts",
    "feed.challenges.services.forget_posts",
]
PAIR_SOURCES = {"benchmark": "ratings.benchmarks.pairs.benchmark_pairs"}  # more pairs for Compare, by strategy

# --- API ------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.tokens.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_PAGINATION_CLASS": "lib.pagination.DefaultPagination",
    "DEFAULT_PARSER_CLASSES": [
        "lib.http.input.BoundedJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "config.openapi.schema.ApiSchema",
    "DEFAULT_THROTTLE_CLASSES": ["lib.limits.VisitorThrottle", "lib.limits.MemberThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.string("API_RATE_ANONYMOUS", "120/min"),
        "user": env.string("API_RATE_MEMBER", "600/min"),
    },
    "EXCEPTION_HANDLER": "config.errors.api_exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {"TOKEN_TTL": timedelta(days=365), "TOKEN_MODEL": "accounts.ApiToken", "TOKEN_LIMIT_PER_USER": 20}
KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105
MIGRATION_MODULES = {"knox": None}  # they would make a token table beside ours that nothing uses and no flush knows
SPECTACULAR_SETTINGS = {
    "TITLE": f"{SITE_NAME} API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/",  # names of operations and their groups begin after it
    "DEFAULT_GENERATOR_CLASS": "config.openapi.schema.OnceGenerator",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ContentLevelEnum": "lib.content_levels.ContentLevel",
        "AskOutcomeEnum": "ratings.models.AskOutcome",
        "ActionEnum": "moderation.decisions.models.Decision.Action",
        "ChosenActionEnum": "moderation.decisions.services.CHOSEN",
    },
}

# --- Tasks ----------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# The default of 4 s kills every replacement of a pool process that takes 5 s to import its models.
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 300
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A broker that is away or does not answer is an error within seconds; beat sends again what was lost.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 30,
    "socket_connect_timeout": 5,
    "max_retries": 3,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.5,
}
CELERY_TIMEZONE = "UTC"
# generation.drain is sent to gpu.<pool> by name; what is not listed goes to the default queue.
CELERY_TASK_ROUTES = {
    "generation.screen": {"queue": "moderation"},
    "generation.check_upload": {"queue": "moderation"},
    "generation.sweep_orphans": {"queue": "media"},
    "generation.measure_pictures": {"queue": "media"},
    "feed.draw_challenge_card": {"queue": "media"},
    "ratings.import_campaign_pictures": {"queue": "media"},
    "moderation.copy_evidence": {"queue": "moderation"},
    "moderation.sweep_hashes": {"queue": "moderation"},
}

CELERY_BEAT_SCHEDULE = SCHEDULE

# --- Pictures -------------------------------------------------------------------------------------------
C2PA_CERTIFICATES, C2PA_KEY = env.file("C2PA_CERTIFICATES"), env.file("C2PA_KEY")  # PEM; PNGs are signed with them
CHECKPOINTS_DIR = env.path("CHECKPOINTS_DIR", VAR_DIR / "checkpoints")
PROMPT_EXPANDER, PROMPT_MODEL = env.string("PROMPT_EXPANDER", ""), env.string("PROMPT_MODEL", "")  # docs/operating.md
GPU_POOL = env.string("GPU_POOL", "default")
GPU_DEVICE = env.choice("GPU_DEVICE", ["auto", "cpu", "cuda", "mps"], "auto")
DAILY_COST_UNITS = env.integer("DAILY_COST_UNITS", 6_300_000_000, least=0)  # of 24 hours: 100 pictures of SDXL
MAX_PENDING_IMAGES = env.integer("MAX_PENDING_IMAGES", 24, least=1)  # of one member
QUEUE_WEIGHTS = env.weights("QUEUE_WEIGHTS")  # of roles in the queue: {"researcher": 2.0}; others have 1
LEASE_SECONDS = env.integer("LEASE_SECONDS", 60, least=2)
STORE_SECONDS = env.integer("STORE_SECONDS", 900, least=1)  # so long pictures are kept while the store is away
KEPT_PICTURE_BYTES = env.integer("KEPT_PICTURE_BYTES", 512_000_000, least=1)  # of pixels; then drawing waits
BATCH_SECONDS = env.integer("BATCH_SECONDS", 600, least=1)  # a batch that draws for longer is stopped
MAX_UPLOAD_BYTES = env.integer("MAX_UPLOAD_BYTES", 10_000_000, least=1000)
MAX_ARCHIVE_BYTES = env.integer("MAX_ARCHIVE_BYTES", 500_000_000, least=1000)  # of pictures for a campaign

# --- Safety ---------------------------------------------------------------------------------------------
SAFE_MODE = env.boolean("SAFE_MODE", False)  # locks the whole site to the general level
EVIDENCE_DAYS = env.integer("EVIDENCE_DAYS", 180, least=40)  # kept after a decision; appeals take up to 37
WEBHOOK_ALLOW_PRIVATE = env.boolean("WEBHOOK_ALLOW_PRIVATE", False)  # also lets them go to http://
MODERATION_TEXT_CHECKERS = env.strings(
    "MODERATION_TEXT_CHECKERS",
    ["moderation.screening.checkers.rules.check", "moderation.screening.checkers.profanity.check"],
    least=1,
)
MODERATION_IMAGE_CHECKERS = env.strings(
    "MODERATION_IMAGE_CHECKERS",
    ["moderation.screening.checkers.blocklist.check", "moderation.screening.checkers.nsfw.check"],
    least=1,
)
MODERATION_CHECKER_SECONDS = env.integer("MODERATION_CHECKER_SECONDS", 5, least=1)  # a slower one holds

# --- Asking ---------------------------------------------------------------------------------------------
ASK_POLICY_VERSION = env.integer("ASK_POLICY_VERSION", 8 if DEMO else 0, least=0)  # 0: the one marked active
COUNTERPARTS_A_NIGHT = env.integer("COUNTERPARTS_A_NIGHT", 20, least=0)  # pictures for model pairs; 0: none
RELEASE_SECRET = env.secret_key("RELEASE_SECRET", VAR_DIR / "release_secret", is_shared=SHARED)  # pseudonyms

# --- Words and time -------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = env.languages("LANGUAGES", ["en"])  # what a browser may ask for
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = env.time_zone("SITE_TIME_ZONE", "UTC")  # stored in UTC; shown, and days cut, in this zone

# --- Numbers --------------------------------------------------------------------------------------------
METRICS_TOKEN = env.string("METRICS_TOKEN", "")  # who sends it as a Bearer token may read /metrics
GPU_HOUR_PRICE = env.decimal("GPU_HOUR_PRICE", 0.0)  # of one GPU, in any currency; for the cost of a picture
reporting.start_sentry(
    env.string("SENTRY_DSN", ""),
    release=env.string("SENTRY_RELEASE", ""),
    traces_percent=env.percentage("SENTRY_TRACES_PERCENT", 0),
)
LOGGING = env.logging("DEBUG" if DEBUG else "INFO", env.choice("LOG_FORMAT", ["logfmt", "json"], "logfmt"))
SILENCED_SYSTEM_CHECKS: list[str] = [] if HTTPS else [f"security.W{number:03}" for number in (4, 8, 12, 16)]
