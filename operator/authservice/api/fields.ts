import Type, { type TSchemaOptions } from 'typebox'

/** A CEL rule of the CustomResourceDefinition. The message says what to write instead. */
export interface Rule {
  rule: string
  message: string
  /** Field that the API server names in its error, relative to the location of the rule, such as `.maxReplicas`. */
  fieldPath?: string
  /**
   * Whether `oldSelf` is optional, so that the rule also applies to creations: it may then allow an object to keep a
   * value from before the rule existed. Kubernetes 1.30 and later.
   */
  optionalOldSelf?: true
  reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired'
}

/** Options of a field declaration in addition to the keywords of JSON Schema. */
export interface FieldOptions extends TSchemaOptions {
  /** The meaning, for `kubectl explain` and the reference. */
  description: string
  /** Becomes `x-kubernetes-validations`. */
  rules?: Rule[]
  /** The default as text, if it is not a fixed value in the preset of the environment. */
  defaultText?: string
  /** The Kubernetes type of the value, such as `core/v1 Affinity`. */
  shape?: string
}

const dnsLabel = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'
const dnsSubdomain = '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'

export const hostPattern = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'

/**
 * Digits, colons and an embedded IPv4 address: the form of an IPv6 address. Whether it is valid shows only when
 * connecting.
 */
const ipv6Pattern = '^[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*$'

/** A string of at most `maxLength` characters; the bound also keeps CEL rules within their cost budget. */
export const text = (maxLength: number, options: FieldOptions) => Type.String({ minLength: 1, maxLength, ...options })

export const integer = (minimum: number, maximum: number, options: FieldOptions) =>
  Type.Integer({ minimum, maximum, format: 'int32', ...options })

export const flag = (options: FieldOptions) => Type.Boolean(options)

/** Descriptions of the patterns of strings. */
export const patterns = {
  duration: '^[1-9][0-9]{0,6}[smhd]$',
  rate: '^[1-9][0-9]{0,6}/[smh]$',
  byteQuantity: '^[1-9][0-9]*(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$',
  objectName: dnsSubdomain,
  labelName: dnsLabel,
  host: hostPattern,
  address: `${hostPattern}|${ipv6Pattern}`,
} as const

/** `90s`, `15m`, `24h`, `7d`: a whole number and one unit. */
export const duration = (options: FieldOptions) => Type.String({ maxLength: 8, pattern: patterns.duration, ...options })

/** `100/s`, `10/m`, `5/h`: a whole number of requests in one unit of time. */
export const rate = (options: FieldOptions) => Type.String({ maxLength: 9, pattern: patterns.rate, ...options })

/** A Kubernetes quantity of bytes, such as `10Gi`. */
export const byteQuantity = (options: FieldOptions) =>
  Type.String({ maxLength: 16, pattern: patterns.byteQuantity, ...options })

/** Name of an object in the namespace of the AuthService: no field refers to another namespace. */
export const objectName = (options: FieldOptions) =>
  Type.String({ minLength: 1, maxLength: 253, pattern: dnsSubdomain, ...options })

export const labelName = (options: FieldOptions) =>
  Type.String({ minLength: 1, maxLength: 63, pattern: dnsLabel, ...options })

/** A host to connect to: a name, or an IPv4 or IPv6 address. */
export const address = (options: FieldOptions) =>
  Type.String({ minLength: 1, maxLength: 253, pattern: patterns.address, ...options })

export const host = (options: FieldOptions) =>
  Type.String({ minLength: 1, maxLength: 253, pattern: hostPattern, ...options })

/** One key of a Secret in the namespace of the AuthService. */
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

/** An integer or a percentage, as in the rolling update of a Deployment. */
export const intOrPercent = (options: FieldOptions) =>
  Type.Unsafe<number | string>({
    'x-kubernetes-int-or-string': true,
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    maxLength: 5,
    pattern: '^[0-9]+%?$',
    ...options,
  })

/** How server-side apply merges a list: as a set, or as a whole. */
export const listSet = { 'x-kubernetes-list-type': 'set' } as const
export const listAtomic = { 'x-kubernetes-list-type': 'atomic' } as const
