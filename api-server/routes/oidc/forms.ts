import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import Value from 'typebox/value'
import { errorPage } from '../../pages/error.ts'
import { pageHeaders } from '../../pages/layout.ts'
import type { MessageKey } from '../../pages/messages.ts'
import type { PageContext, Pages } from '../../pages/pages.ts'
import { type PageProblem, pageProblem } from '../../pages/problem-message.ts'
import { IdentityRefused } from '../../plugins/app/identity-providers/identity-refused.ts'
import type { PresentedCode } from '../../plugins/app/mfa/check-code.ts'
import { Problem } from '../../plugins/app/problems/problem.ts'
import { Name } from '../../schemas/accounts.ts'
import { Password } from '../../schemas/auth.ts'
import { FactorName } from '../../schemas/mfa.ts'

/** The text of a field of a form, a query or a path; undefined if it is missing or occurs twice. */
export function textOf(container: unknown, name: string): string | undefined {
  if (typeof container !== 'object' || container === null) return undefined
  const value: unknown = Reflect.get(container, name)
  return typeof value === 'string' ? value : undefined
}

/** What a field may have contained. A longer text is no email, and the page does not repeat it. RFC 5321 section 4.5.3.1. */
export function shown(email: string | undefined): string | undefined {
  return email === undefined || email.length > 254 ? undefined : email
}

/** A field of a form that the user has to fill in differently. */
class WrongField extends Error {
  override name = 'WrongField'
  readonly key: MessageKey
  readonly field: string

  constructor(key: MessageKey, field: string) {
    super(`the field ${field} is wrong`)
    this.key = key
    this.field = field
  }
}

/**
 * Why a form was refused, for the page that asks again.
 * @throws the error, if it says nothing about the form
 */
export function refusalOf(page: PageContext, error: unknown): { problem: PageProblem; status: number } {
  if (error instanceof WrongField) return { problem: { message: page.t(error.key), field: error.field }, status: 400 }
  if (error instanceof IdentityRefused) {
    const message = page.t(`provider.${error.refusal}`, error.values)
    return { problem: { message }, status: error.statusCode }
  }
  if (error instanceof Problem) return { problem: pageProblem(page, error), status: error.statusCode }
  throw error
}

/** The name of a user, as the API accepts it. @throws WrongField */
export function nameIn(body: unknown): string {
  return fieldOf(body, 'name', Name, 'problem.name_invalid')
}

/** The name of a second factor, as the API accepts it. @throws WrongField */
export function factorNameIn(body: unknown): string {
  return fieldOf(body, 'name', FactorName, 'problem.factor_name_invalid')
}

/** @throws WrongField */
export function currentPasswordIn(body: unknown): string {
  return fieldOf(body, 'current_password', Password, 'problem.password_missing')
}

/** The code of a form, which users may enter in groups. */
export function enteredCodeIn(body: unknown): string {
  return (textOf(body, 'code') ?? '').replaceAll(' ', '')
}

/** The code of a form: that of an app has six digits. */
export function codeIn(body: unknown): PresentedCode {
  const code = enteredCodeIn(body)
  return { method: /^\d{6}$/.test(code) ? 'totp' : 'recovery_code', code }
}

/** A new password that was entered twice. @throws WrongField */
export function newPasswordIn(body: unknown): string {
  const password = fieldOf(body, 'password', Password, 'problem.password_missing')
  if (textOf(body, 'repeated') === password) return password
  throw new WrongField('problem.passwords_differ', 'repeated')
}

/** @param schema that of the API */
function fieldOf(body: unknown, name: string, schema: TSchema, key: MessageKey): string {
  const value = textOf(body, name) ?? ''
  if (Value.Check(schema, value)) return value
  throw new WrongField(key, name)
}

/**
 * A hook: refuses a form that a page of another site has sent. Every browser sends `Origin` with a form (Fetch section
 * 3.2.5).
 */
export function requireOwnOrigin({ config }: FastifyInstance, pages: Pages) {
  const { origin } = new URL(config.issuer)
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    if (request.method !== 'POST' || request.headers.origin === origin) return undefined
    const page = pages.contextOf(request.raw)
    const content = { code: 'foreign_origin', message: page.t('error.foreign_form') }
    return reply.code(403).headers(pageHeaders(page)).send(errorPage(page, content))
  }
}
