import { expect, test } from 'vitest'
import { ConfigError, readConfig } from './config.ts'

const images = {
  RELATED_IMAGE_API_SERVER: 'example.com/api-server:1',
  RELATED_IMAGE_REDIS: 'example.com/redis:8',
  RELATED_IMAGE_MONGODB: 'example.com/mongo:8',
  RELATED_IMAGE_NGINX: 'example.com/nginx:1',
}

test('images are all that must be set', () => {
  expect(readConfig({ ...images, POD_NAME: 'operator-1', POD_NAMESPACE: 'system' })).toEqual({
    images: {
      server: 'example.com/api-server:1',
      redis: 'example.com/redis:8',
      mongodb: 'example.com/mongo:8',
      nginx: 'example.com/nginx:1',
    },
    watchNamespaces: [],
    allowedImagePrefixes: [],
    allowedIngressAnnotations: [],
    prometheusUrl: undefined,
    workers: 4,
    maxConcurrentRollouts: 10,
    metricsPort: 8080,
    profilingPort: undefined,
    leaderElection: { namespace: 'system' },
    podName: 'operator-1',
    logLevel: 'info',
  })
})

test('the image that sets up databases has its own version, so that another server version restarts no database', () => {
  const RELATED_IMAGE_HELPER = 'example.com/api-server:0'
  expect(readConfig({ ...images, RELATED_IMAGE_HELPER }).images).toMatchObject({ helper: RELATED_IMAGE_HELPER })
})

test.each([
  [
    'the one that a release pins, beside the published server',
    'ghcr.io/a/api-server:2',
    undefined,
    'ghcr.io/a/api-server:1',
  ],
  ['the published server by digest', 'ghcr.io/a/api-server@sha256:0', undefined, 'ghcr.io/a/api-server:1'],
  [
    'that of the server in a registry of your own, which need not have the pinned one',
    'own:5000/a/api-server:2',
    undefined,
    undefined,
  ],
  [
    'the configured images, whatever the registry',
    'own:5000/a/api-server:2',
    'own:5000/a/helper:1',
    'own:5000/a/helper:1',
  ],
])('a managed MongoDB is set up by an image that can be pulled: %s', (_, server, written, helper) => {
  const config = readConfig({
    ...images,
    RELATED_IMAGE_API_SERVER: server,
    RELATED_IMAGE_HELPER: written,
    DEFAULT_IMAGE_HELPER: 'ghcr.io/a/api-server:1',
  })
  expect(config.images.helper).toBe(helper)
})

test('variables are parsed into their types', () => {
  const config = readConfig({
    ...images,
    WATCH_NAMESPACES: 'team-a, team-b',
    METRICS_PORT: '9000',
    PROFILING_PORT: '6060',
    LEADER_ELECTION: 'false',
    LOG_LEVEL: 'debug',
    WORKERS: '',
  })
  expect(config).toMatchObject({
    watchNamespaces: ['team-a', 'team-b'],
    metricsPort: 9000,
    profilingPort: 6060,
    leaderElection: undefined,
    logLevel: 'debug',
    workers: 4,
  })
})

test('every problem is reported at once, with the allowed values', () => {
  const { RELATED_IMAGE_REDIS: _, ...withoutRedis } = images
  const read = () => readConfig({ ...withoutRedis, METRICS_PORT: 'http', LOG_LEVEL: 'loud', WATCH_NAMESPACES: 'A B' })
  expect(read).toThrow(ConfigError)
  expect(read).toThrow(/RELATED_IMAGE_REDIS is missing: set it to the full reference of the Redis image/)
  expect(read).toThrow(/METRICS_PORT=http is invalid: it must be the port of/)
  expect(read).toThrow(/LOG_LEVEL=loud is invalid.*trace, debug, info/)
  expect(read).toThrow(/WATCH_NAMESPACES=A B is invalid/)
})
