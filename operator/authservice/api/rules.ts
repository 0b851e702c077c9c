/** CEL expressions that several rules use. They are text, because the API server evaluates them. */

/** The effective environment of a spec, at the level of `spec`. */
export const environment = `self.?environment.orValue('development')`

/**
 * A spec in production with a plain-text connection to Redis over the network. `of` is `self` or the value of
 * `oldSelf`.
 */
export const hasPlainTextRedis = (of: string) =>
  `${of}.?environment.orValue('development') == 'production' && has(${of}.redis.external) && !(has(${of}.redis.external.tls) && ${of}.redis.external.tls.?enabled.orValue(true))`

export const isProduction = `${environment} == 'production'`

/** true if an autoscaler sets the number of replicas, at the level of `spec`. */
export const isAutoscaled = `self.?autoscaling.?enabled.orValue(${environment} != 'development')`

/** The same for the previous spec. */
export const wasAutoscaled = isAutoscaled.replaceAll('self.', 'oldSelf.')

/** The effective rollout strategy of a spec, at the level of `spec`. */
export const strategy = `self.?rollout.?strategy.orValue(${environment} == 'development' ? 'RollingUpdate' : 'BlueGreen')`

/** Seconds of a duration such as `15m`. `duration()` of CEL does not support days. */
export function seconds(duration: string): string {
  const factor = `{'s': 1, 'm': 60, 'h': 3600, 'd': 86400}[${duration}.substring(size(${duration}) - 1)]`
  return `int(${duration}.substring(0, size(${duration}) - 1)) * ${factor}`
}

/** true if the first duration is not longer than the second. */
export const notLonger = (shorter: string, longer: string) => `${seconds(shorter)} <= ${seconds(longer)}`

/** true if both fields of `self` are present and in order, or one is missing. */
export const inOrder = (low: string, high: string) =>
  `!has(self.${low}) || !has(self.${high}) || self.${low} <= self.${high}`
