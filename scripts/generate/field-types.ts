import { patterns } from '../../operator/authservice/api/fields.ts'
import { type FieldSchema, isSchema } from './field-schema.ts'

const words: Record<string, string> = {
  [patterns.duration]: 'duration',
  [patterns.rate]: 'rate',
  [patterns.byteQuantity]: 'quantity, such as `10Gi`',
  [patterns.objectName]: 'name of an object',
  [patterns.labelName]: 'name of a namespace',
  [patterns.host]: 'host name',
  [patterns.address]: 'host name or address',
}

const shapes: Record<string, string> = {
  'core/v1 ResourceRequirements': 'https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/',
  'core/v1 Affinity':
    'https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#affinity-and-anti-affinity',
  'core/v1 Toleration': 'https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/',
  'core/v1 TopologySpreadConstraint':
    'https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/',
  'autoscaling/v2 HorizontalPodAutoscalerBehavior':
    'https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#configurable-scaling-behavior',
}

/**
 * Type and constraints of a field as Markdown text.
 * @throws for a shape without a page that describes it
 */
export function typeOf(schema: FieldSchema): string {
  const { shape, type, items, additionalProperties } = schema
  const one = typeof shape === 'string' ? shapeOf(shape) : scalarOf(schema)
  if (type === 'array') {
    const entry = typeof shape === 'string' ? one : entryOf(items)
    return `list of ${entry}${boundOf(schema['minItems'], schema['maxItems'], 'entries')}`
  }
  if (isSchema(additionalProperties)) return `map of strings${boundOf(undefined, schema['maxProperties'], 'entries')}`
  return one
}

/** The text after "list of". The fields of an object have their own rows. */
function entryOf(items: unknown): string {
  if (!isSchema(items)) throw new Error('a list has no schema of its entries')
  return items['type'] === 'object' ? 'objects' : typeOf(items)
}

function shapeOf(shape: string): string {
  const page = shapes[shape]
  if (page === undefined) throw new Error(`${shape} has no page: name the one of Kubernetes that describes it`)
  return `[${shape}](${page})`
}

function scalarOf(schema: FieldSchema): string {
  const { type, enum: values, pattern, format } = schema
  if (Array.isArray(values)) return values.map((value) => `\`${value}\``).join(' | ')
  if (schema['x-kubernetes-int-or-string'] === true) return 'integer or percentage'
  if (type === 'integer') return `integer${rangeOf(schema['minimum'], schema['maximum'])}`
  if (type === undefined) throw new Error(`a field has no type that the reference knows: ${JSON.stringify(schema)}`)
  if (type !== 'string') return String(type)
  if (format === 'date-time') return 'time'
  if (typeof pattern !== 'string') return `string${boundOf(undefined, schema['maxLength'], 'characters')}`
  const known = words[pattern]
  if (known !== undefined) return known
  return `string${boundOf(undefined, schema['maxLength'], 'characters')}, matching \`${pattern}\``
}

function rangeOf(minimum: unknown, maximum: unknown): string {
  if (minimum === undefined) return ''
  return maximum === undefined ? ` from ${minimum}` : ` ${minimum} to ${maximum}`
}

function boundOf(minimum: unknown, maximum: unknown, unit: string): string {
  if (maximum === undefined) return ''
  return minimum === undefined ? `, at most ${maximum} ${unit}` : `, ${minimum} to ${maximum} ${unit}`
}
