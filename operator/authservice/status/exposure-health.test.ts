import { describe, expect, test } from 'vitest'
import { noExposure } from '../model/exposure.ts'
import { exposureHealth } from './exposure-health.ts'

type Seen = Parameters<typeof exposureHealth>[0]

/** Health of an Ingress whose class belongs to a controller; undefined: the class is unknown. */
function health(controller: string | undefined, addresses: object[]) {
  const ingress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'accounts', namespace: 'team-a' },
    status: { loadBalancer: { ingress: addresses } },
  }
  // Nothing else of it is read.
  const seen = {
    authService: { metadata: { name: 'accounts', namespace: 'team-a' } },
    resolved: { ingress: { type: 'Ingress', tls: { kind: 'provided' } } },
    children: [ingress],
    exposure: {
      ...noExposure,
      ingressClass: controller && { metadata: { name: 'public' }, spec: { controller } },
    },
  } as unknown as Seen
  return exposureHealth(seen, { state: 'ready', message: 'there is no edge' })
}

describe('an Ingress without an address', () => {
  test.each([
    ['k8s.io/ingress-nginx', /its controller k8s\.io\/ingress-nginx runs.*--publish-status-address/],
    ['ingress.k8s.aws/alb', /Ingress accounts of class public has no address yet: .*kubectl describe ingress accounts/],
    ['azure/application-gateway', /has no address yet/],
  ])('is not ready if its controller %s always reports one', (controller, says) => {
    expect(health(controller, [])).toEqual({ state: 'waiting', message: expect.stringMatching(says) })
  })

  test.each(['traefik.io/ingress-controller', 'nginx.org/ingress-controller', 'example.com/own', undefined])(
    'is ready with a note where its controller %s may never report one',
    (controller) => {
      expect(health(controller, [])).toEqual({
        state: 'ready',
        message: expect.stringContaining('exists and has no address: not every controller reports one'),
      })
    },
  )
})

test.each(['k8s.io/ingress-nginx', 'example.com/own'])('an Ingress with an address is ready with %s', (controller) => {
  expect(health(controller, [{ hostname: 'lb.example.com' }])).toEqual({
    state: 'ready',
    message: 'Ingress accounts of class public is ready at lb.example.com',
  })
})
