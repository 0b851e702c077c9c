import type { EnvironmentValues } from './config-schema.ts'
import type { LockPolicy } from './plugins/app/limits/lock.ts'

/** So many in so many seconds. */
export interface Rate {
  count: number
  perSeconds: number
}

/** How often what may be done, and when failed log-ins lock. */
export interface Limits {
  /** Of one address, for every route; `burst` more at a time. */
  perClient: Rate
  burst: number
  /** Of one address. */
  login: Rate
  loginAccount: Rate
  loginPair: Rate
  loginKnownDevice: Rate
  lock: LockPolicy
  register: Rate
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
    register: rateOf(values.RATE_LIMIT_REGISTER),
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
export function rateOf(rate: string): Rate {
  const [count, unit = ''] = rate.split('/')
  return { count: Number(count), perSeconds: secondsPerUnit[unit] ?? Number.NaN }
}
