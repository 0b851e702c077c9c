import { CoreV1Api, KubeConfig } from '@kubernetes/client-node'
import { MongoClient } from 'mongodb'
import { expect, inject, test } from 'vitest'
import { startMongo } from '../../../tools/local-servers/mongo.ts'
import { startRedis } from '../../../tools/local-servers/redis.ts'

test('MongoDB supports transactions', async () => {
  await using client = new MongoClient(inject('mongoUrl'))
  const things = client.db('servers-test').collection('things')
  await client.withSession((session) =>
    session.withTransaction(async () => {
      await things.insertOne({ a: 1 }, { session })
      await things.insertOne({ a: 2 }, { session })
    }),
  )
  expect(await things.countDocuments()).toBe(2)
})

test('MongoDB keeps its data over a restart, Redis does not', async () => {
  const mongo = await startMongo()
  const redis = await startRedis()
  try {
    await using client = new MongoClient(mongo.url, { serverSelectionTimeoutMS: 10_000 })
    const things = client.db('kept').collection('things')
    await things.insertOne({ a: 1 })
    await mongo.stop()
    await mongo.start()
    expect(await things.countDocuments()).toBe(1)
    await redis.stop()
    await redis.start()
  } finally {
    await mongo.remove()
    await redis.stop()
  }
})

test('the API server answers an administrator', async () => {
  const config = new KubeConfig()
  config.loadFromFile(inject('apiServer').kubeconfigPath)
  const { items } = await config.makeApiClient(CoreV1Api).listNamespace()
  expect(items.map(({ metadata }) => metadata?.name)).toContain('default')
})
