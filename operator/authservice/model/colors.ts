/**
 * Two Deployments run the server. The Service selects the pods of the live one. The other one has no pods, receives the
 * next revision, or is on standby for a rollback.
 */
export const colors = ['blue', 'green'] as const
export type Color = (typeof colors)[number]

/** The other colour. */
export function otherColor(color: Color): Color {
  return color === 'blue' ? 'green' : 'blue'
}
