from celery import shared_task

from accounts.webhooks import deliveries


@shared_task(name="accounts.deliver_webhooks")
def deliver_webhooks() -> None:
    deliveries.deliver_due()


@shared_task(name="accounts.forget_deliveries")
def forget_deliveries() -> None:
    deliveries.forget_deliveries()
