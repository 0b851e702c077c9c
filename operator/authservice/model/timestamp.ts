/**
 * The time as meta/v1 Time: RFC 3339 without fractions of a second. With fractions, the rounding by the API server
 * would look like a change.
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
 */
export function timestamp(instant: Date): string {
  return instant.toISOString().replace(/\.\d+Z$/, 'Z')
}
