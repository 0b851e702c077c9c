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
    prometheusUrl: undefined,
    workers: 4,
    metricsPort: 8080,
    profilingPort: undefined,
    leaderElection: { namespace: 'system' },
    podName: 'operator-1',
    logLevel: 'info',
  })
})

test('variables are read as what they stand for', () => {
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

test('every problem is named at once, with what to write instead', () => {
  const { RELATED_IMAGE_REDIS: _, ...withoutRedis } = images
  const read = () => readConfig({ ...withoutRedis, METRICS_PORT: 'http', LOG_LEVEL: 'loud', WATCH_NAMESPACES: 'A B' })
  expect(read).toThrow(ConfigError)
  expect(read).toThrow(/RELATED_IMAGE_REDIS is missing: set it to the full reference of the Redis image/)
  expect(read).toThrow(/METRICS_PORT=http is wrong: it must be the port of/)
  expect(read).toThrow(/LOG_LEVEL=loud is wrong.*trace, debug, info/)
  expect(read).toThrow(/WATCH_NAMESPACES=A B is wrong/)
})
