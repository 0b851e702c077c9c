/** The decoded content of a Secret: text by key. */
export type SecretData = Readonly<Record<string, string>>

/** A Secret that the operator manages. */
export interface DesiredSecret {
  name: string
  type: 'Opaque' | 'kubernetes.io/tls'
  data: SecretData
  annotations?: Record<string, string>
}

/** Decodes the `data` of a Secret. All content that the operator reads is text: PEM, JSON, URLs, passwords. */
export function decodeSecretData(data: Readonly<Record<string, string>> = {}): SecretData {
  return mapValues(data, (value) => Buffer.from(value, 'base64').toString('utf8'))
}

/** Encodes the `data` of a Secret. */
export function encodeSecretData(data: SecretData): Record<string, string> {
  return mapValues(data, (value) => Buffer.from(value, 'utf8').toString('base64'))
}

function mapValues(of: Readonly<Record<string, string>>, change: (value: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value)]))
}
