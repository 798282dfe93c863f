from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.sign_in import receivers  # noqa: F401  # connects them
        from accounts.tokens import schema  # noqa: F401  # says in the API's documents what tokens are
