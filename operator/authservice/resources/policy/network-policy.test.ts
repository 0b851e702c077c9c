import { describe, expect, test } from 'vitest'
import { type Endpoint, isAbout, mayConnect, type Policy } from '../../../../test/unit/network-policy/evaluate.ts'
import { endpoints, managed, policiesOf, ports } from '../../../../test/unit/network-policy/examples.ts'
import type { AuthServiceSpec } from '../../api/schema.ts'
import { mongodbPortsIn } from './network-policy.ts'

/** Every possible connection with one end in the AuthService, as `from > to port port`. */
function connections(policies: readonly Policy[]): string[] {
  const parts = endpoints.slice(0, 7)
  // A component that does not exist has no policy.
  const isThere = (one: Endpoint) => !parts.includes(one) || policies.some((policy) => isAbout(policy, one))
  const own = parts.filter(isThere)
  return endpoints.filter(isThere).flatMap((from) =>
    endpoints
      .filter(isThere)
      .filter((to) => to !== from && (own.includes(from) || own.includes(to)))
      .flatMap((to) => {
        const open = ports.filter((port) => mayConnect(policies, from, to, port)).map(({ port }) => port)
        return open.length === 0 ? [] : [`${from.name} > ${to.name} ${open.join(' ')}`]
      }),
  )
}
/** Name servers may have any address; that is the same in every test. */
const withoutDns = (one: string) => !/ 53$/.test(one)

test('in an AuthService with an edge, each component can reach only the components that it needs', () => {
  expect(connections(policiesOf(managed)).filter(withoutDns)).toEqual([
    'server > redis 6379',
    'server > mongodb 27017',
    'edge > server 8080',
    'migration > redis 6379',
    'migration > mongodb 27017',
    'backup > mongodb 27017',
    'smoke-test > server 8080',
    'server of others > server 9090',
    'server of others > edge 8080 8081 8443',
    'neighbour > server 9090',
    'neighbour > edge 8080 8081 8443',
    'prometheus > server 9090',
    'prometheus > edge 8080 8081 8443',
    'controller > server 9090',
    'controller > edge 8080 8081 8443',
    'name server > server 9090',
    'name server > edge 8080 8081 8443',
    'the internet > edge 8080 8443',
  ])
})

test('every component except Redis can reach name servers', () => {
  const asking = connections(policiesOf(managed)).filter((one) => one.endsWith('> name server 53'))
  expect(asking.map((one) => one.split(' ')[0])).toEqual([
    'server',
    'mongodb',
    'edge',
    'migration',
    'backup',
    'smoke-test',
  ])
})

describe('the server', () => {
  const toServer = (spec: AuthServiceSpec) =>
    connections(policiesOf(spec)).filter((one) => / > server .*8080/.test(one))
  const without = (type: 'None' | 'Ingress'): AuthServiceSpec => ({ ...managed, ingress: { type } })

  test('without a proxy accepts connections only from the clients in allowFrom', () => {
    expect(toServer(without('None'))).toEqual(['smoke-test > server 8080'])
    const networkPolicy = {
      allowFrom: [
        { podSelector: { matchLabels: { app: 'shop' } } },
        { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress' } } },
      ],
    }
    expect(toServer({ ...without('None'), networkPolicy })).toEqual([
      'smoke-test > server 8080',
      'neighbour > server 8080 9090',
      'controller > server 8080 9090',
    ])
  })

  test('accepts API requests from any source if the controller of an Ingress is unknown', () => {
    expect(toServer(without('Ingress'))).toContain('the internet > server 8080')
    expect(connections(policiesOf(without('Ingress')))).not.toContain('the internet > server 8080 9090')
  })
})

test('external databases are reachable only on their ports', () => {
  const spec: AuthServiceSpec = {
    ...managed,
    mongodb: { external: { urlSecretRef: { name: 'm', key: 'url' } } },
    redis: { external: { host: '203.0.113.7', port: 6379 } },
  }
  const outside = connections(policiesOf(spec)).filter((one) => one.includes('> the internet'))
  expect(outside).toEqual([
    'server > the internet 53 6379 27017 27018',
    'edge > the internet 53',
    'migration > the internet 53 6379 27017 27018',
    'backup > the internet 53 27017 27018',
    'smoke-test > the internet 53',
  ])
})

test.each([
  ['an IPv4 address', '203.0.113.7', '203.0.113.7/32'],
  ['an IPv6 address', 'fd00::7', 'fd00::7/128'],
])('a database at %s is reachable only there', (_, host, cidr) => {
  const spec: AuthServiceSpec = { ...managed, redis: { external: { host } } }
  const server = policiesOf(spec).find(({ spec: { podSelector } }) => selects(podSelector.matchLabels, 'server'))
  expect(server?.spec.egress).toContainEqual({
    to: [{ ipBlock: { cidr } }],
    ports: [{ protocol: 'TCP', port: 6379 }],
  })
})

const selects = (labels: Readonly<Record<string, string>> | undefined, component: string) =>
  labels?.['app.kubernetes.io/component'] === component

test('only servers can reach the SMTP server, on its port', () => {
  const mail = {
    smtp: { host: 'smtp.example.com', port: 2525 },
    from: 'no-reply@example.com',
    passwordResetURL: 'https://app.example.com/{token}',
    emailVerificationURL: 'https://app.example.com/{token}',
  }
  const outside = (spec: AuthServiceSpec) =>
    connections(policiesOf(spec)).filter((one) => one.includes('> the internet'))
  expect(outside({ ...managed, mail })).toEqual([
    'server > the internet 53 2525',
    ...outside(managed).filter((one) => !one.startsWith('server >')),
  ])
})

const receiving = (...receivers: { host: string; port?: number }[]): AuthServiceSpec => ({
  ...managed,
  oidc: { enabled: true, backchannelLogout: { receivers } },
})

test('only servers can reach receivers of logout tokens: pods of the namespace of a Service, or a port', () => {
  const others = connections(policiesOf(managed))
  const added = (spec: AuthServiceSpec) => connections(policiesOf(spec)).filter((one) => !others.includes(one))
  const everyPort = ports.map(({ port }) => port).join(' ')
  expect(added(receiving({ host: 'shop.ingress.svc' }))).toEqual([`server > controller ${everyPort}`])
  expect(added(receiving({ host: 'shop.example.com', port: 2525 }))).toContain('server > the internet 53 2525')
})

test('a receiver of logout tokens at an address is reachable only there', () => {
  const receivers = [
    { host: '203.0.113.7', port: 8443 },
    { host: 'shop.shops.svc.cluster.local' },
    { host: 'cart.shops.svc', port: 8443 },
    { host: 'svc.example.com' },
  ]
  const server = policiesOf(receiving(...receivers)).find(({ spec: { podSelector } }) =>
    selects(podSelector.matchLabels, 'server'),
  )
  expect(server?.spec.egress?.slice(-3)).toEqual([
    { to: [{ ipBlock: { cidr: '203.0.113.7/32' } }], ports: [{ protocol: 'TCP', port: 8443 }] },
    { to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shops' } } }] },
    { ports: [{ protocol: 'TCP', port: 443 }] },
  ])
})

test('only servers can reach the trace collector, on its port', () => {
  const tracing = { otlpEndpoint: 'http://collector.monitoring:4318/otlp' }
  const others = connections(policiesOf(managed))
  expect(connections(policiesOf({ ...managed, tracing })).filter((one) => !others.includes(one))).toEqual([
    'server > server of others 53 4318',
    'server > neighbour 53 4318',
    'server > prometheus 53 4318',
    'server > controller 53 4318',
    'server > name server 53 4318',
    'server > the internet 53 4318',
  ])
})

test('without networkPolicy.enabled, there are no policies', () => {
  expect(policiesOf({ ...managed, networkPolicy: { enabled: false } })).toEqual([])
  expect(policiesOf({ mongodb: {}, redis: {} })).toEqual([])
})

test.each([
  ['mongodb://a', [27017]],
  ['mongodb://u:p@a:1,b:2,c:1/db', [1, 2]],
  ['mongodb+srv://cluster.example/db', [27017]],
  ['mongodb://u:p%2F@a:5/?replicaSet=x', [5]],
])('the ports of %s are %j', (url, expected) => {
  expect(mongodbPortsIn(url)).toEqual(expected)
})
