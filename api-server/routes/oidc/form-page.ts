import type { FastifyRequest } from 'fastify'
import { shown, textOf } from './forms.ts'

/*
 * A form cannot be sent again by a link. So that users can choose another language where one was refused, a link shows the
 * page of the form, with what was entered except for secrets.
 */

/** A path with the values that are known. */
export function withQuery(path: string, values: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value) query.append(name, value)
  return query.size === 0 ? path : `${path}?${query}`
}

/** The page of a form of an interaction. Steps whose state is in a form lead to the first page. @param path of the interaction */
export function interactionPageOf({ routeOptions: { url = '' }, body }: FastifyRequest, path: string): string {
  const page = ['/register', '/forgot'].find((each) => url.endsWith(each)) ?? ''
  return withQuery(`${path}${page}`, { email: shown(textOf(body, 'email')), name: enteredName(body) })
}

/** The name in a form or a query, at most as long as a name may be. */
export function enteredName(container: unknown): string | undefined {
  return textOf(container, 'name')?.slice(0, 200)
}

/** Fields that say what a page of an account is about. They are no secrets of the user, and useless without the login. */
const subjects = ['id', 'provider', 'to', 'token'] as const

/** The page of a form of an account. @param path of the page */
export function accountPageOf({ body, params }: FastifyRequest, path: string): string {
  return withQuery(path, Object.fromEntries(subjects.map((name) => [name, textOf(body, name) ?? textOf(params, name)])))
}
