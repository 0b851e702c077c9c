import { expect, inject, test } from 'vitest'
import { Informer } from '../../../operator/kube/informer.ts'
import { apiClient, type ConfigMap, configMaps, makeNamespace, RecordingLog } from '../support/kube-api.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

test('a watch without events responds each time it is renewed, and a dead one does not', async () => {
  const proxy = await TcpProxy.to(inject('apiServer').port)
  const informer = new Informer<ConfigMap>({
    client: apiClient(proxy.port),
    resource: configMaps,
    namespace: await makeNamespace(`silence-${Date.now()}`),
    // Selects no existing object.
    labelSelector: 'test=nothing',
    log: new RecordingLog(),
    watchSeconds: { least: 1, most: 1 },
  })
  informer.start()
  await informer.synced

  let last = informer.silentSeconds()
  /** Whether there was a response since the last check. */
  const hasHeard = () => {
    const before = last
    last = informer.silentSeconds()
    return last < before
  }
  for (const _ of [1, 2]) await expect.poll(hasHeard, { interval: 100 }).toBe(true)

  proxy.setSilent(true)
  await expect.poll(() => informer.silentSeconds()).toBeGreaterThan(5)

  proxy.setSilent(false)
  proxy.cut()
  await expect.poll(hasHeard, { interval: 100 }).toBe(true)
  await informer.stop()
  await proxy.close()
})
