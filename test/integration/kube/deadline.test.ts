import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { apiVersion, kind } from '../../../operator/authservice/api/group.ts'
import type { AuthService } from '../../../operator/authservice/api/schema.ts'
import { KubeClusterWriter } from '../../../operator/authservice/apply/kube-cluster-writer.ts'
import { KubeClusterReader } from '../../../operator/authservice/gather/kube-cluster-reader.ts'
import { Watches } from '../../../operator/authservice/gather/watches.ts'
import { KubeClient } from '../../../operator/kube/client.ts'
import { Controller } from '../../../operator/kube/controller.ts'
import { Discovery } from '../../../operator/kube/discovery.ts'
import { EventRecorder } from '../../../operator/kube/events.ts'
import { createKubeMetrics } from '../../../operator/kube/metrics.ts'
import { Transport } from '../../../operator/kube/transport.ts'
import { configMap, configMaps } from '../support/kube-api.ts'
import { serveApi, servePlain, stopsInTheMiddle } from './stalling-server.ts'

const deadlineMilliseconds = 200
const backoff = { baseMilliseconds: 50, mostMilliseconds: 10_000 }
const authService = { apiVersion, kind, metadata: { namespace: 'team-a', name: 'accounts' } } as AuthService
const child = configMap('team-a', 'accounts')

interface Requests {
  client: KubeClient
  reader: KubeClusterReader
  writer: KubeClusterWriter
  /** A pod and a Prometheus whose responses also stop midway. */
  page: string
}

test.each<[what: string, request: (by: Requests) => Promise<unknown>, name: RegExp]>([
  ['GET', ({ reader }) => reader.readSecret('team-a', 'a'), /^GET \/api\/v1\/namespaces\/team-a\/secrets\/a:/],
  ['LIST', ({ client }) => client.list(configMaps), /^GET \/api\/v1\/configmaps:/],
  ['LIST in pieces', ({ client }) => client.listEach(configMaps, {}, () => {}), /^GET \/api\/v1\/configmaps:/],
  ['apply', ({ writer }) => writer.apply({ ...child, apiVersion: 'v1', kind: 'ConfigMap' }), /^PATCH .*\/accounts:/],
  ['scale', ({ writer }) => writer.scale({ namespace: 'team-a', name: 'a' }, 2), /^PATCH .*\/a\/scale:/],
  ['DELETE', ({ writer }) => writer.delete({ ...child, apiVersion: 'v1', kind: 'ConfigMap' }), /^DELETE .*\/accounts:/],
  ['status', ({ writer }) => writer.writeStatus(authService, {}), /^PATCH .*\/accounts\/status:/],
  ['pod page', ({ reader, page }) => reader.readFromPod(`${page}/metrics`, 1_000), /^GET http:.*\/metrics:/],
  ['query', ({ reader }) => reader.queryPrometheus('team-a', 'up'), /^GET http:.*\/api\/v1\/query\?query=up:/],
])(
  '%s: a reconcile whose request stops in the middle of the answer ends at its deadline, and is retried with backoff',
  async (_, request, name) => {
    const page = await servePlain(stopsInTheMiddle)
    const transport = new Transport(await serveApi(stopsInTheMiddle), 'test')
    const client = new KubeClient(transport, 'test')
    const failures: { message: string; at: number }[] = []
    const write = (line: string) =>
      void failures.push({ message: JSON.parse(line).err?.message, at: performance.now() })
    const log = pino({ level: 'warn' }, { write })
    const watches = new Watches({ client, discovery: new Discovery(transport), log, namespaces: [] })
    const clients = { oidcClients: () => ({ clients: [] }), observeClients: () => {} }
    const reader = new KubeClusterReader({ watches, client, clients, prometheusUrl: page })
    const recorder = new EventRecorder(client, 'test', 'test', log)
    const writer = new KubeClusterWriter({ client, recorder, log, statusObserver: watches.authServices })
    const reconciled: string[] = []
    const controller = new Controller({
      name: 'authservice',
      workers: 1,
      metrics: createKubeMetrics(),
      log,
      deadlineMilliseconds,
      backoff,
      reconcile: async (key, signal) => {
        const requests = {
          client: client.withSignal(signal),
          reader: reader.until(signal),
          writer: writer.until(signal),
        }
        if (key === 'team-a/stops') await request({ ...requests, page })
        reconciled.push(key)
        return { done: true }
      },
    })
    onTestFinished(async () => {
      await controller.stop()
      await watches.stop()
      transport.close()
    })

    controller.start()
    controller.queue.add('team-a/stops')
    controller.queue.add('team-a/waits')
    await expect.poll(() => reconciled, { interval: 5 }).toEqual(['team-a/waits'])
    expect(failures[0]?.message).toMatch(name)
    expect(failures[0]?.message).toContain(
      'canceled before its answer ended: the reconcile did not complete within 0.2 s',
    )

    await expect.poll(() => failures.length, { interval: 5 }).toBeGreaterThanOrEqual(3)
    const [first = 0, second = 0, third = 0] = failures.map(({ at }) => at)
    // Delays double, and vary by up to one half. The time until the deadline makes up for a line that is written late.
    expect(second - first).toBeGreaterThanOrEqual(backoff.baseMilliseconds)
    expect(third - second).toBeGreaterThanOrEqual(2 * backoff.baseMilliseconds)
    expect(controller.queue.failures('team-a/stops')).toBe(failures.length)
    expect(reconciled).toEqual(['team-a/waits'])
  },
)
