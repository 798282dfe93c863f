{% load static %}// Shows one page while the site cannot be reached. It keeps nothing else: no page, no picture, nothing of anybody.
const CACHE = 'offline-1', PAGE = "{% url 'offline' %}";
self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.add(new Request(PAGE, { cache: 'reload', credentials: 'omit' }))));
});
self.addEventListener('activate', (event) => {
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)))));
});
self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.mode !== 'navigate' || request.method !== 'GET') return;
  event.respondWith(fetch(request).catch(async () => (await caches.match(PAGE)) ?? Response.error()));
});
