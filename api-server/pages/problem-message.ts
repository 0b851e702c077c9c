import type { PageLanguage } from '@authservice-operator/contract/pages-file.ts'
import type { Problem } from '../plugins/app/problems/problem.ts'
import en from './messages/en.json' with { type: 'json' }
import type { MessageKey, Translate } from './messages.ts'

/** What went wrong, in the language of the page. */
export interface PageProblem {
  message: string
  /** The name of the field that it is about; undefined: the whole form. */
  field?: string | undefined
}

/** Fields of forms by the code of the problem that is about them. Fields of all forms have these names. */
const fieldOfCode: Readonly<Record<string, string>> = {
  email_taken: 'email',
  invalid_credentials: 'email',
  mfa_code_wrong: 'code',
  password_common: 'password',
  password_too_long: 'password',
  password_too_short: 'password',
  password_unusable: 'password',
  password_wrong: 'current_password',
}

/**
 * The problem as users read it: by its code, because its detail is English text for programmers. Codes without a text
 * of their own are those that no page leads to.
 */
export function pageProblem({ t, language }: { t: Translate; language: PageLanguage }, problem: Problem): PageProblem {
  const { code, retryAfterSeconds, extensions, values } = problem
  if (code === 'validation_failed' && isAboutEmail(extensions)) {
    return { message: t('problem.email_invalid'), field: 'email' }
  }
  const key = `problem.${code}`
  const known = isMessageKey(key) ? key : problem.statusCode < 500 ? 'oauth.invalid_request' : 'problem.internal_error'
  const wait = durationOf(retryAfterSeconds ?? 1, language)
  return { message: t(known, { wait, ...values }), field: fieldOfCode[code] }
}

/** The message for an error code of OAuth. */
export function oauthMessage(t: Translate, code: string): string {
  const key = `oauth.${code}`
  return t(isMessageKey(key) ? key : 'oauth.invalid_request')
}

function isMessageKey(key: string): key is MessageKey {
  return Object.hasOwn(en, key)
}

function isAboutEmail({ errors }: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(errors) && errors.some((each) => Reflect.get(Object(each), 'pointer') === '/email')
}

/** A time to wait in words, rounded up: `5 minutes`. */
export function durationOf(seconds: number, language: PageLanguage): string {
  const [unit, count] =
    seconds <= 90 ? ['second', seconds] : seconds <= 5_400 ? ['minute', seconds / 60] : ['hour', seconds / 3_600]
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit,
    unitDisplay: 'long',
    // As digits in codes are.
    numberingSystem: 'latn',
    maximumFractionDigits: 0,
  }).format(Math.max(1, Math.ceil(count)))
}
