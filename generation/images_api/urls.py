from django.urls import path

from generation.images_api import views

urlpatterns = [
    path("images/generations", views.generate_images, name="images-generations"),
    path("models", views.ModelsView.as_view(), name="models"),
    path("models/<slug:slug>", views.ModelsView.as_view(), name="model"),
]
