// The best Node service that we could write for the same work as Tenon's sales and reads: HTTP by Fastify, a token, a limit
// counted in Redis, the Idempotency-Key, one statement that sells, audits and stores the answer in one transaction.
//
// What makes it quick: one process per worker (cluster); postgres.js, which pipelines prepared statements over its
// connections (pg has no pipeline); one round trip a request, as all the work is one function; Redis calls of one turn of the
// loop in one write (auto-pipelining); tokens and answers just given are remembered; bodies go out as the text they were stored
// as.
//
// Environment: PORT, DATABASE (socket folder), REDIS_PORT, SECRET, WORKERS, CONNECTIONS (to the database, of all workers).
import cluster from 'node:cluster';
import { createHash, randomUUID } from 'node:crypto';
import { createVerifier } from 'fast-jwt';
import Fastify from 'fastify';
import Redis from 'ioredis';
import postgres from 'postgres';

const workers = Number(process.env.WORKERS ?? 1);
const connections = Math.max(1, Math.floor(Number(process.env.CONNECTIONS ?? 32) / workers));
const answersMax = 200_000;
const answerLifetime = 55_000; // less than a key lives
const retriesMax = 3;

// A token bucket: what Tenon's limit does, less its penalties.
const bucketScript = `
local now = redis.call('TIME'); now = now[1] * 1000000 + now[2]
local quota, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = tonumber(redis.call('GET', KEYS[1]) or 0)
if full < now then full = now end
local next = full + window / quota
if next - now > window then return {0, 0, math.ceil((next - now - window) / 1000000)} end
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000) + 1)
return {1, math.floor((window - (next - now)) * quota / window), 0}`;
const limit = { name: 'inventory-write', quota: 1_000_000, window: 1_000_000 };

const sellBody = {
  type: 'object',
  additionalProperties: false,
  required: ['decrement'],
  properties: { decrement: { type: 'integer', minimum: 1, maximum: 1_000_000_000 } },
};
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const keySyntax = /^[\x21-\x7e]{1,255}$/;

function refuse(reply, status, error) {
  return reply.code(status).header('Cache-Control', 'no-store').type('application/problem+json').send(JSON.stringify({ status, error }));
}

function build() {
  const sql = postgres({ host: process.env.DATABASE, database: 'tenon', username: 'postgres', max: connections, prepare: true, idle_timeout: 0 });
  const redis = new Redis({ port: Number(process.env.REDIS_PORT), enableAutoPipelining: true });
  redis.defineCommand('bucket', { numberOfKeys: 1, lua: bucketScript });
  const verify = createVerifier({ key: process.env.SECRET, algorithms: ['HS256'], cache: 1000 });
  const app = Fastify({ logger: false, bodyLimit: 256 * 1024 });
  const answers = new Map(); // by user and key: the answers just given

  function remember(name, answer) {
    if (answers.size >= answersMax) answers.delete(answers.keys().next().value);
    answers.set(name, answer);
  }

  function caller(request) {
    try {
      return verify(request.headers.authorization?.slice(7) ?? '').sub;
    } catch {
      return null;
    }
  }

  async function limited(request, reply) {
    const [admitted, remaining, wait] = await redis.bucket(`${limit.name}:${request.ip}`, limit.quota, limit.window);
    reply.header('RateLimit', `"${limit.name}";r=${remaining};t=1`).header('RateLimit-Policy', `"${limit.name}";q=${limit.quota};w=1`);
    if (admitted) return false;
    reply.header('Retry-After', String(wait));
    refuse(reply, 429, 'Too many requests.');
    return true;
  }

  async function sold(user, key, fingerprint, id, quantity) {
    for (let attempt = 1; ; ++attempt) {
      try {
        const [answer] = await sql`
          SELECT status, body, replayed FROM node.sell(${user}, ${key}, ${fingerprint}, ${randomUUID()}, ${id}, ${quantity})`;
        return answer;
      } catch (error) {
        if (error.code !== '23505' || attempt === retriesMax) throw error; // a duplicate was first: its answer is there now
      }
    }
  }

  function send(reply, key, answer) {
    return reply.code(answer.status).header('Idempotency-Key', key).header('Idempotency-Status', answer.replayed ? 'replayed' : 'stored')
      .type('application/json').send(answer.body);
  }

  app.get('/healthz', (request, reply) => reply.type('application/json').send('{"status":"alive"}'));

  app.get('/api/inventory/:id', async (request, reply) => {
    if (caller(request) === null) return refuse(reply, 401, 'A valid token is needed.');
    if (await limited(request, reply)) return reply;
    if (!uuid.test(request.params.id)) return refuse(reply, 400, 'That is no id.');
    const [item] = await sql`
      SELECT id, name, origin, price, image_url, created_at, quantity_available, quantity_sold, version, updated_at
      FROM node.inventory WHERE id = ${request.params.id}`;
    if (!item) return refuse(reply, 404, 'Not found.');
    return reply.header('ETag', `W/"v${item.version}"`).send(item);
  });

  app.patch('/api/inventory/:id', { schema: { body: sellBody } }, async (request, reply) => {
    const user = caller(request);
    if (user === null) return refuse(reply, 401, 'A valid token is needed.');
    if (await limited(request, reply)) return reply;
    const key = request.headers['idempotency-key'];
    if (!key || !keySyntax.test(key)) return refuse(reply, 400, 'An Idempotency-Key is needed.');
    const { id } = request.params;
    if (!uuid.test(id)) return refuse(reply, 400, 'That is no id.');
    // One member, checked by its schema: this is its canonical form.
    const fingerprint = createHash('sha256').update(`PATCH\n${request.url}\n{"decrement":${request.body.decrement}}`).digest();
    const name = `${user}\n${key}`;
    const known = answers.get(name);
    if (known && known.until > Date.now()) {
      if (!known.fingerprint.equals(fingerprint)) return refuse(reply, 409, 'Conflict: this Idempotency-Key was used for another request.');
      return send(reply, key, known);
    }
    const answer = await sold(user, key, fingerprint, id, request.body.decrement);
    remember(name, { status: answer.status, body: answer.body, replayed: true, fingerprint, until: Date.now() + answerLifetime });
    return send(reply, key, answer);
  });
  return app;
}

if (workers > 1 && cluster.isPrimary) {
  for (let n = 0; n < workers; ++n) cluster.fork();
  cluster.on('exit', () => process.exit(1));
  process.on('SIGTERM', () => process.exit(0)); // the workers end with the channel to their parent
} else {
  process.on('disconnect', () => process.exit(0));
  await build().listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
}
