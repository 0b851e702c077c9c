import { expect, inject, test } from 'vitest'
import { Informer } from '../../../operator/kube/informer.ts'
import { apiClient, type ConfigMap, configMaps, makeNamespace, RecordingLog } from './api.ts'
import { FaultyProxy } from './proxy.ts'

test('a watch without events is heard of each time it is renewed, and a dead one is not', async () => {
  const proxy = await FaultyProxy.to(inject('apiServer').port)
  const informer = new Informer<ConfigMap>({
    client: apiClient(proxy.port),
    resource: configMaps,
    namespace: await makeNamespace(`silence-${Date.now()}`),
    // Only what never happens there.
    labelSelector: 'test=nothing',
    log: new RecordingLog(),
    watchSeconds: { least: 1, most: 1 },
  })
  informer.start()
  await informer.synced

  let last = informer.silentSeconds()
  /** Whether something was heard since the last time of asking. */
  const hasHeard = () => {
    const before = last
    last = informer.silentSeconds()
    return last < before
  }
  for (const _ of [1, 2]) await expect.poll(hasHeard, { timeout: 20_000, interval: 100 }).toBe(true)

  proxy.setSilent(true)
  await expect.poll(() => informer.silentSeconds(), { timeout: 20_000 }).toBeGreaterThan(5)

  proxy.setSilent(false)
  proxy.cut()
  await expect.poll(hasHeard, { timeout: 20_000, interval: 100 }).toBe(true)
  await informer.stop()
  await proxy.close()
})
