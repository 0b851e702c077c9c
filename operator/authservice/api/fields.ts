import Type, { type TSchemaOptions } from 'typebox'

/** A CEL rule of the CustomResourceDefinition. The message says what to write instead. */
export interface Rule {
  rule: string
  message: string
  /** Field that the API server names in its answer, relative to where the rule stands, such as `.maxReplicas`. */
  fieldPath?: string
  reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired'
}

/** What a field's declaration may carry besides JSON Schema's own keywords. */
export interface FieldOptions extends TSchemaOptions {
  /** The meaning, for `kubectl explain` and the reference. */
  description: string
  /** Becomes `x-kubernetes-validations`. */
  rules?: Rule[]
  /** The default in words, where it is not a fixed value of the environment's preset. */
  defaultText?: string
  /** The type that Kubernetes gives this value, such as `core/v1 Affinity`. */
  shape?: string
}

const dnsLabel = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'
const dnsSubdomain = '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'

export const hostPattern = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'

/** A string of at most `maxLength` characters; the bound also keeps CEL rules within their cost budget. */
export const text = (maxLength: number, options: FieldOptions) => Type.String({ minLength: 1, maxLength, ...options })

export const integer = (minimum: number, maximum: number, options: FieldOptions) =>
  Type.Integer({ minimum, maximum, format: 'int32', ...options })

export const flag = (options: FieldOptions) => Type.Boolean(options)

/** What the patterns of strings stand for, in words. */
export const patterns = {
  duration: '^[1-9][0-9]{0,6}[smhd]$',
  rate: '^[1-9][0-9]{0,6}/[smh]$',
  byteQuantity: '^[1-9][0-9]*(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$',
  objectName: dnsSubdomain,
  labelName: dnsLabel,
  host: hostPattern,
} as const

/** `90s`, `15m`, `24h`, `7d`: a whole number and one unit. */
export const duration = (options: FieldOptions) => Type.String({ maxLength: 8, pattern: patterns.duration, ...options })

/** `100/s`, `10/m`, `5/h`: a whole number of requests in one unit of time. */
export const rate = (options: FieldOptions) => Type.String({ maxLength: 9, pattern: patterns.rate, ...options })

/** A Kubernetes quantity of bytes, such as `10Gi`. */
export const byteQuantity = (options: FieldOptions) =>
  Type.String({ maxLength: 16, pattern: patterns.byteQuantity, ...options })

/** Name of an object in the AuthService's own namespace: no field reaches another one. */
export const objectName = (options: FieldOptions) =>
  Type.String({ minLength: 1, maxLength: 253, pattern: dnsSubdomain, ...options })

export const labelName = (options: FieldOptions) =>
  Type.String({ minLength: 1, maxLength: 63, pattern: dnsLabel, ...options })

export const host = (options: FieldOptions) =>
  Type.String({ minLength: 1, maxLength: 253, pattern: hostPattern, ...options })

/** One key of a Secret in the AuthService's namespace. */
export const secretKeyRef = (options: FieldOptions) =>
  Type.Object(
    {
      name: objectName({ description: 'Name of the Secret, in the namespace of the AuthService.' }),
      key: Type.String({
        minLength: 1,
        maxLength: 253,
        pattern: '^[-._a-zA-Z0-9]+$',
        description: 'Key in the Secret.',
      }),
    },
    options,
  )

export interface SecretKeyRef {
  name: string
  key: string
}

/** A map with string values. */
export const stringMap = (maxProperties: number, options: FieldOptions) =>
  Type.Unsafe<Record<string, string>>({
    type: 'object',
    maxProperties,
    additionalProperties: { type: 'string', maxLength: 1024 },
    ...options,
  })

/** A whole number or a percentage, as in a Deployment's rolling update. */
export const intOrPercent = (options: FieldOptions) =>
  Type.Unsafe<number | string>({
    'x-kubernetes-int-or-string': true,
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    maxLength: 5,
    pattern: '^[0-9]+%?$',
    ...options,
  })

/** Lists say how server-side apply merges them: by key, as a set, or as a whole. */
export const listMap = { 'x-kubernetes-list-type': 'map' } as const
export const listSet = { 'x-kubernetes-list-type': 'set' } as const
export const listAtomic = { 'x-kubernetes-list-type': 'atomic' } as const
