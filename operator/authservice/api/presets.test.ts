import { describe, expect, test } from 'vitest'
import { type Outcome, outcomeOf } from '../../../test/unit/spec-fields/effects.ts'
import { evaluateChecklist, productionReady } from '../status/checklist.ts'
import { resolveSpec } from './defaults.ts'
import { type AuthServiceSpec, type Environment, environments } from './spec.ts'

const metadata = { name: 'accounts', namespace: 'team-a' }

/** The minimal spec of an environment. */
const specOf = (environment: Environment): AuthServiceSpec => ({
  environment,
  mongodb: {},
  redis: {},
  ...(environment === 'production' && { tokens: { issuer: 'https://auth.example.com' } }),
  ...(environment !== 'development' && { ingress: { tls: { secretName: 'tls' } } }),
})

const outcomes = Object.fromEntries(
  environments.map((environment) => [environment, outcomeOf(specOf(environment), new Map()).outcome]),
)
const outcome = (environment: Environment): Outcome => outcomes[environment] ?? new Map()
const pod = 'Deployment accounts-blue: spec.template.spec'
const server = `${pod}.containers[server]`
const edge = 'Deployment accounts-edge: spec.template.spec.containers[nginx]'

/** The value of a spec that omits the field, one line for each. */
const cells: readonly [what: string, path: string, values: Record<Environment, string | undefined>][] = [
  ['replicas', 'Decision: counts.blue', { development: '1', staging: '2', production: '3' }],
  [
    'most replicas',
    'HorizontalPodAutoscaler accounts: spec.maxReplicas',
    { development: undefined, staging: '6', production: '20' },
  ],
  [
    'fewest replicas',
    'HorizontalPodAutoscaler accounts: spec.minReplicas',
    { development: undefined, staging: '2', production: '3' },
  ],
  [
    'target of the autoscaler',
    'HorizontalPodAutoscaler accounts: spec.metrics[0].containerResource.target.averageUtilization',
    { development: undefined, staging: '70', production: '70' },
  ],
  [
    'smallest pool',
    `${server}.env[MONGODB_MIN_POOL_SIZE].value`,
    { development: '2', staging: '10', production: '10' },
  ],
  [
    'largest pool',
    `${server}.env[MONGODB_MAX_POOL_SIZE].value`,
    { development: '10', staging: '50', production: '50' },
  ],
  ['origins', `${server}.env[CORS_ORIGINS].value`, { development: '*', staging: undefined, production: undefined }],
  ['/docs', `${server}.env[DOCS_ENABLED].value`, { development: 'true', staging: 'true', production: 'false' }],
  ['log level', `${server}.env[LOG_LEVEL].value`, { development: 'debug', staging: 'info', production: 'info' }],
  [
    'certificate',
    'Deployment accounts-edge: spec.template.spec.volumes[tls].secret.secretName',
    { development: 'accounts-edge-tls', staging: 'tls', production: 'tls' },
  ],
  [
    'disruption budget',
    'PodDisruptionBudget accounts: spec.maxUnavailable',
    { development: undefined, staging: '1', production: '1' },
  ],
  [
    'spread over nodes',
    `${pod}.topologySpreadConstraints[0].topologyKey`,
    { development: undefined, staging: 'kubernetes.io/hostname', production: 'kubernetes.io/hostname' },
  ],
  ['CPU request', `${server}.resources.requests.cpu`, { development: '50m', staging: '100m', production: '250m' }],
  [
    'CPU request of the edge',
    `${edge}.resources.requests.cpu`,
    { development: '50m', staging: '100m', production: '100m' },
  ],
  [
    'memory request',
    `${server}.resources.requests.memory`,
    { development: '128Mi', staging: '160Mi', production: '192Mi' },
  ],
  [
    'memory limit',
    `${server}.resources.limits.memory`,
    { development: '224Mi', staging: '256Mi', production: '320Mi' },
  ],
  [
    'CPU limit',
    `${server}.resources.limits.cpu`,
    { development: undefined, staging: undefined, production: undefined },
  ],
]

describe.each(environments)('%s, for omitted fields', (environment) => {
  test.each(cells)('%s', (_, path, values) => {
    expect(outcome(environment).get(path)).toBe(values[environment])
  })

  const resolved = resolveSpec({ metadata, spec: specOf(environment) })
  const expected = {
    development: {
      strategy: 'RollingUpdate',
      promotion: 'Auto',
      verified: undefined,
      networkPolicy: false,
      hsts: false,
    },
    staging: { strategy: 'BlueGreen', promotion: 'Auto', verified: undefined, networkPolicy: true, hsts: false },
    production: { strategy: 'BlueGreen', promotion: 'Auto', verified: 60, networkPolicy: true, hsts: true },
  }[environment]

  test('strategy, network policy and HSTS', () => {
    const { strategy, blueGreen, analysis } = resolved.rollout
    expect({
      strategy,
      promotion: blueGreen.promotion,
      verified: analysis.enabled ? analysis.windowSeconds : undefined,
      networkPolicy: resolved.networkPolicy.enabled,
      hsts: resolved.traits.hsts,
    }).toEqual(expected)
    expect(blueGreen.scaleDownDelaySeconds).toBe(300)
  })

  test('open items of the checklist are shown, and count in production only', () => {
    const spec = specOf(environment)
    const checklist = evaluateChecklist({
      name: 'accounts',
      spec,
      resolved,
      secrets: new Map(),
      findings: [],
      backup: undefined,
      annotations: {},
      version: '1.0.0',
      monitoring: { podMonitor: false, prometheusRule: false, dashboard: false },
    })
    expect(checklist.some(({ ok }) => !ok)).toBe(true)
    expect(productionReady(checklist, environment)).toMatchObject({
      status: environment === 'production' ? 'False' : 'Unknown',
      message: expect.stringMatching(/^Open: /),
    })
  })
})

test('staging and production require a certificate of the user', () => {
  for (const environment of ['staging', 'production'] as const) {
    const { ingress } = resolveSpec({ metadata, spec: { environment, mongodb: {}, redis: {} } })
    expect(ingress.tls.kind).toBe('missing')
  }
})
