/** What a Secret holds, decoded: text by key. */
export type SecretData = Readonly<Record<string, string>>

/** A Secret that the operator keeps. */
export interface DesiredSecret {
  name: string
  type: 'Opaque' | 'kubernetes.io/tls'
  data: SecretData
  annotations?: Record<string, string>
}

/** Decodes a Secret's `data`. All that is read here is text: PEM, JSON, URLs, passwords. */
export function decodeSecretData(data: Readonly<Record<string, string>> = {}): SecretData {
  return mapValues(data, (value) => Buffer.from(value, 'base64').toString('utf8'))
}

/** Encodes what a Secret's `data` is to hold. */
export function encodeSecretData(data: SecretData): Record<string, string> {
  return mapValues(data, (value) => Buffer.from(value, 'utf8').toString('base64'))
}

function mapValues(of: Readonly<Record<string, string>>, change: (value: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value)]))
}
