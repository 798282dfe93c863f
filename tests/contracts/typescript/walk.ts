// A program's walk through the API with types made from its document: list, generate, publish, like.
import createClient from 'openapi-fetch';
import type { components, paths } from './salon.js';

const { SALON_SITE: baseUrl, SALON_TOKEN: token } = process.env;
const api = createClient<paths>({ baseUrl: baseUrl!, headers: { Authorization: `Token ${token}` } });

function found<T>({ data, error }: { data?: T; error?: unknown }): T {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

const checkpoints: components['schemas']['Checkpoint'][] = found(await api.GET('/api/checkpoints/')).results;
const checkpoint = checkpoints.find(({ slug }) => slug === 'tiny')!; // the one that the test's worker draws with
const before = found(await api.GET('/api/posts/', { params: { query: { sort: 'new' } } })).results;
const other = before[0]!;

let made: components['schemas']['Generation'] = found(
  await api.POST('/api/generations/', {
    body: { prompt: 'a fox in the snow', checkpoint: checkpoint.slug, count: 1, steps: 2 },
  }),
);
const started = Date.now();
while (made.images[0]!.state !== 'ready') {
  if (Date.now() - started > 120_000) throw new Error(`the picture is ${made.images[0]!.state}`);
  await new Promise((resolve) => setTimeout(resolve, 250));
  made = found(await api.GET('/api/generations/{public_id}/', { params: { path: { public_id: made.id } } }));
}
const post = found(await api.POST('/api/posts/', { body: { image: made.images[0]!.id, title: 'From TypeScript' } }));
const like = found(await api.PUT('/api/posts/{id}/like/', { params: { path: { id: other.id } } }));
const refused = await api.POST('/api/tokens/', { body: { name: 'another' } });

console.log(JSON.stringify({ post: post.id, liked: like.liked, refused: refused.error?.code }));
