from django.urls import path

from accounts import views
from accounts.tokens import views as token_views
from lib.http import converters  # noqa: F401  # registers public_id, number, …

app_name = "accounts"
urlpatterns = [
    path("settings/", views.show_settings, name="settings"),
    path("settings/appearance/", views.choose_appearance, name="appearance"),
    path("settings/consent/", views.show_consent, name="consent"),
    path("settings/tokens/", token_views.show_tokens, name="tokens"),
    path("settings/tokens/<public_id:public_id>/revoke/", token_views.revoke_token, name="token-revoke"),
    path("settings/webhooks/", views.show_webhooks, name="webhooks"),
    path("settings/webhooks/<public_id:public_id>/remove/", views.remove_webhook, name="webhook-remove"),
    path("settings/webhooks/<public_id:public_id>/log/", views.webhook_log, name="webhook-log"),
    path("settings/webhooks/<public_id:public_id>/resume/", views.resume_webhook, name="webhook-resume"),
    path("settings/data/", views.show_data, name="data"),
    path("settings/data/salon.json", views.download_data, {"form": "json"}, name="data-json"),
    path("settings/data/salon.zip", views.download_data, {"form": "zip"}, name="data-zip"),
    path("settings/delete/", views.delete_account, name="delete"),
]
