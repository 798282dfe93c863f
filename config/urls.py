"""Every page of the site. The API has one page of its own: config/api.py."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config import health
from config.pages import views as pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include("config.api")),  # first: the parts without a prefix are gone through pattern by pattern
    path("v1/", include("generation.images_api.urls")),
    path("", include("feed.urls")),
    path("", include("generation.urls")),
    path("", include("ratings.urls")),
    path("", include("moderation.urls")),
    path("", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("about/", pages.about, name="about"),
    path("terms/", pages.terms, name="terms"),
    path("privacy/", pages.privacy, name="privacy"),
    path("contact/", pages.contact, name="contact"),
    path("offline/", pages.offline, name="offline"),
    path("site.webmanifest", pages.manifest, name="manifest"),
    path("service-worker.js", pages.service_worker, name="service-worker"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("statusz", health.statusz, name="statusz"),
    path("metrics", health.metrics, name="metrics"),
]
handler400 = "config.errors.bad_request"
handler404 = "config.errors.page_not_found"
handler500 = "config.errors.server_error"

if settings.DEBUG:
    from config.pages import styleguide

    urlpatterns.append(path("styleguide/", styleguide.show, name="styleguide"))
