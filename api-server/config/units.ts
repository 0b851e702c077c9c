import type { EnvironmentValues } from '@authservice-operator/contract/environment.ts'

/** A number of requests in a number of seconds. */
export interface Rate {
  count: number
  perSeconds: number
}

/** When failed logins lock, and for how long. Times are in milliseconds. */
export interface LockPolicy {
  /** Number of the failure that causes the first lock. */
  lockAtFailure: number
  /** Duration of the first lock; each further failure doubles it. */
  firstLock: number
  longestLock: number
  /** Time after the last failure, or after the end of its lock, at which failures are forgotten. */
  memory: number
}

/** Rate limits, and when failed logins lock. */
export interface Limits {
  /** For one address, on all routes, with a burst of `burst`. */
  perClient: Rate
  burst: number
  /** For one address. */
  login: Rate
  loginAccount: Rate
  loginPair: Rate
  loginKnownDevice: Rate
  lock: LockPolicy
  register: Rate
  /**
   * For one address, in addition to `register`: accounts are permanent, so what many addresses create in a year must
   * fit on a disk.
   */
  registerPerDay: Rate
  refresh: Rate
  reset: Rate
  mail: Rate
  emailVerify: Rate
  sensitive: Rate
  profile: Rate
  admin: Rate
}

export function limitsOf(values: EnvironmentValues): Limits {
  const login = rateOf(values.RATE_LIMIT_LOGIN)
  const register = rateOf(values.RATE_LIMIT_REGISTER)
  const likeLogin = (rate: string | undefined) => (rate === undefined ? login : rateOf(rate))
  return {
    perClient: rateOf(values.RATE_LIMIT_PER_CLIENT),
    burst: values.RATE_LIMIT_BURST,
    login,
    loginAccount: likeLogin(values.RATE_LIMIT_LOGIN_ACCOUNT),
    loginPair: likeLogin(values.RATE_LIMIT_LOGIN_PAIR),
    loginKnownDevice: likeLogin(values.RATE_LIMIT_LOGIN_KNOWN_DEVICE),
    lock: {
      lockAtFailure: values.LOGIN_LOCK_AT_FAILURE,
      firstLock: secondsOf(values.LOGIN_LOCK_FIRST) * 1000,
      longestLock: secondsOf(values.LOGIN_LOCK_LONGEST) * 1000,
      memory: secondsOf(values.LOGIN_FAILURE_MEMORY) * 1000,
    },
    register,
    registerPerDay: { count: register.count * 3, perSeconds: 86_400 },
    refresh: rateOf(values.RATE_LIMIT_REFRESH),
    reset: rateOf(values.RATE_LIMIT_RESET),
    mail: rateOf(values.RATE_LIMIT_MAIL),
    emailVerify: rateOf(values.RATE_LIMIT_EMAIL_VERIFY),
    sensitive: rateOf(values.RATE_LIMIT_SENSITIVE),
    profile: rateOf(values.RATE_LIMIT_PROFILE),
    admin: rateOf(values.RATE_LIMIT_ADMIN),
  }
}

const secondsPerUnit: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** @param duration such as `15m`, as the schema has checked it */
export function secondsOf(duration: string): number {
  return Number(duration.slice(0, -1)) * (secondsPerUnit[duration.slice(-1)] ?? Number.NaN)
}

/** @param rate such as `10/m`, as the schema has checked it */
function rateOf(rate: string): Rate {
  const [count, unit = ''] = rate.split('/')
  return { count: Number(count), perSeconds: secondsPerUnit[unit] ?? Number.NaN }
}
