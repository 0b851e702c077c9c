import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { EnvironmentSchema } from '../../operator/config.ts'
import { operatorDashboardMap, operatorRules } from './operator-rules.ts'

const manifests = resolve(import.meta.dirname, '../../manifests')

/** Parts of the operator chart that derive from manifests or settings: path in the chart → content. */
export async function chartFiles(): Promise<Record<string, string>> {
  return {
    'files/cluster-rules.yaml': await rulesOf('base/rbac.yaml', 'ClusterRole'),
    'files/images.yaml': await releasedImages(),
    'files/namespace-rules.yaml': await rulesOf('overlays/namespaced/role.yaml', 'Role'),
    'files/alerts.yaml': `${generatedFrom('operator/authservice/resources/monitoring/operation-alerts.ts')}${stringify(operatorRules().spec, { lineWidth: 0 })}`,
    'files/dashboard.json': operatorDashboardMap().data['authservice-operator.json'],
    'values.schema.json': `${JSON.stringify(valuesSchema(), null, 2)}\n`,
  }
}

const manifest = (file: string) => readFile(resolve(manifests, file), 'utf8')

const generatedFrom = (source: string) => `# Generated from ${source} by npm run generate. Do not edit.\n`

/** The rules of the first role of a kind, with the comments that explain them. */
async function rulesOf(file: string, kind: 'ClusterRole' | 'Role'): Promise<string> {
  const documents = parseAllDocuments(await manifest(file))
  const rules: unknown = documents.find((document) => document.get('kind') === kind)?.get('rules')
  if (rules === undefined) throw new Error(`manifests/${file} has no ${kind} with rules`)
  return `${generatedFrom(`manifests/${file}`)}${stringify(rules, { lineWidth: 0, flowCollectionPadding: false })}`
}

/** The images of this version as in the manifests. A release adds their digests. */
async function releasedImages(): Promise<string> {
  const kustomization: { images: { name: string; newTag: string }[] } = parse(await manifest('base/kustomization.yaml'))
  const deployment = await manifest('base/deployment.yaml')
  const variable = (name: string) => new RegExp(`${name}, value: "([^"]+)"`).exec(deployment)?.[1]
  const [operator] = kustomization.images.map(({ name, newTag }) => `${name}:${newTag}`)
  const images = { operator, server: variable('RELATED_IMAGE_API_SERVER'), helper: variable('DEFAULT_IMAGE_HELPER') }
  return `${generatedFrom('manifests/base')}${stringify(images)}`
}

/** Variables that have their own values, or that only the Deployment sets. */
const notSettings = /^(RELATED_IMAGE_|DEFAULT_IMAGE_|POD_|WATCH_NAMESPACES$|METRICS_PORT$)/

/** The settings of the operator that a user of the chart may set, with the same constraints as in the operator. */
export function chartSettings(): Record<string, object> {
  const variables: Record<string, object> = EnvironmentSchema.properties
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !notSettings.test(name)))
}

const text = { type: 'string' }
const flag = { type: 'boolean' }
const filled = { type: 'string', minLength: 1 }
const port = { type: 'integer', minimum: 1, maximum: 65535 }
const free = { type: 'object' }
const strings = { type: 'object', additionalProperties: text }
const named = (schema: object) => ({ type: 'array', items: { type: 'object', required: ['name'], ...schema } })
const closed = (properties: Record<string, object>) => ({ type: 'object', additionalProperties: false, properties })

/** JSON Schema of the chart's values. Helm passes `global` and the values of a subchart in the same object. */
function valuesSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $comment: 'Generated from scripts/generate/chart.ts and operator/config.ts by npm run generate. Do not edit.',
    ...closed({
      global: free,
      'authservice-operator-crds': free,
      image: closed({
        repository: filled,
        tag: { type: 'string', pattern: '^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$' },
        digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
        pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
      }),
      imagePullSecrets: named({ additionalProperties: false, properties: { name: filled } }),
      images: closed({ server: text, helper: text, redis: filled, mongodb: filled, nginx: filled }),
      watchNamespaces: {
        type: 'array',
        uniqueItems: true,
        items: { type: 'string', maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' },
      },
      settings: closed(chartSettings()),
      extraEnv: named({}),
      replicas: { type: 'integer', minimum: 0 },
      podDisruptionBudget: closed({ enabled: flag }),
      priorityClass: closed({ create: flag, name: text, value: { type: 'integer', maximum: 1_000_000_000 } }),
      resources: free,
      maxOldSpaceMiB: { type: 'integer', minimum: 64 },
      nodeSelector: strings,
      tolerations: { type: 'array', items: free },
      affinity: free,
      podLabels: strings,
      podAnnotations: strings,
      networkPolicy: closed({
        enabled: flag,
        apiServerPorts: { type: 'array', minItems: 1, items: port },
        extraEgress: { type: 'array', items: free },
      }),
      monitoring: closed({
        enabled: flag,
        interval: { type: 'string', pattern: '^([0-9]+(ms|s|m|h))+$' },
        labels: strings,
      }),
      crds: closed({ enabled: flag }),
    }),
  }
}
