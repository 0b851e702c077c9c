/** CEL expressions that several rules need. They are text: the API server evaluates them, not this program. */

/** The environment that a spec means, at the level of `spec`. */
export const environment = `self.?environment.orValue('development')`

export const isProduction = `${environment} == 'production'`

/** True while an autoscaler owns the count of replicas, at the level of `spec`. */
export const isAutoscaled = `self.?autoscaling.?enabled.orValue(${environment} != 'development')`

/** The same of the spec before. */
export const wasAutoscaled = isAutoscaled.replaceAll('self.', 'oldSelf.')

/** The rollout strategy that a spec means, at the level of `spec`. */
export const strategy = `self.?rollout.?strategy.orValue(${environment} == 'development' ? 'RollingUpdate' : 'BlueGreen')`

/** Seconds of a duration such as `15m`. CEL's own `duration()` knows no days. */
export function seconds(duration: string): string {
  const factor = `{'s': 1, 'm': 60, 'h': 3600, 'd': 86400}[${duration}.substring(size(${duration}) - 1)]`
  return `int(${duration}.substring(0, size(${duration}) - 1)) * ${factor}`
}

/** True when the first duration is not longer than the second. */
export const notLonger = (shorter: string, longer: string) => `${seconds(shorter)} <= ${seconds(longer)}`

/** True when both fields of `self` are there and in order, or one is missing. */
export const inOrder = (low: string, high: string) =>
  `!has(self.${low}) || !has(self.${high}) || self.${low} <= self.${high}`
