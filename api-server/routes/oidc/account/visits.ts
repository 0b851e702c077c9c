import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errors } from 'oidc-provider'
import { type AccountView, type Outcome, pathOf, type Section, sections } from '../../../pages/account/layout.ts'
import { errorPage } from '../../../pages/error.ts'
import { pageHeaders } from '../../../pages/layout.ts'
import type { Caller } from '../../../plugins/app/caller.ts'
import { accountLoginUrl } from '../../../plugins/app/oidc/account-pages-client.ts'
import { type AccountOfLogin, accountOfLogin, browserLoginOf } from '../../../plugins/app/oidc/browser-login.ts'
import { basePathOf, loginCookieOf, paths } from '../../../plugins/app/oidc/build-provider.ts'
import type { OpenIdProvider } from '../../../plugins/app/oidc/open-id-provider.ts'
import { Problem } from '../../../plugins/app/problems/problem.ts'
import { accountPageOf } from '../form-page.ts'
import { refusalOf, textOf } from '../forms.ts'
import { scriptOfPages } from '../interaction-steps.ts'

/** A request of a browser that is logged in, for a page of its user's account. */
export interface Visit extends AccountOfLogin {
  request: FastifyRequest
  /** The fields of a form; undefined for a page that is only shown. */
  body: unknown
  reply: FastifyReply
  view: AccountView
  caller: Caller
  now: Date
}

/** HTML of a page. */
type Render = (visit: Visit, outcome: Outcome) => string | Promise<string>
/** Does what a form asks for. @returns the answer, or what was done: then a redirect leads to the section */
type Act = (visit: Visit) => Promise<FastifyReply | DoneKey>

/** What forms can have done, for the page after a redirect. */
const doneKeys = ['done.saved', 'done.mailed', 'done.added', 'done.linked', 'done.ended'] as const
type DoneKey = (typeof doneKeys)[number]

/** The routes of the pages of an account. The cookie of the login opens them, and nothing else. Decision 89. */
export class Visits {
  readonly #app: FastifyInstance
  readonly #oidc: OpenIdProvider
  /** The path of the account. */
  readonly #base: string
  /** Pages that are shown: their paths below that of the account. */
  readonly #pages = new Set<string>()

  constructor(app: FastifyInstance, oidc: OpenIdProvider) {
    this.#app = app
    this.#oidc = oidc
    this.#base = `${basePathOf(app.config.issuer)}/account`
  }

  /** A page that is shown. A browser that is not logged in logs in first, and comes back to its section. */
  page(url: string, section: Section, render: Render): void {
    this.#pages.add(url)
    this.#app.get(url, { schema: { hide: true } }, async (request, reply) => {
      const visit = await this.#open(request, reply)
      if (visit === undefined) return this.toLogin(reply, section)
      const done = doneKeys.find((key) => key === textOf(request.query, 'done'))
      try {
        return send(visit, await render(visit, { done }))
      } catch (error) {
        if (isLoggedOut(error)) return this.toLogin(reply, section)
        throw error
      }
    })
  }

  /**
   * A form of a page. If it was refused, the page asks again; if it needs a second factor, the page for it comes first.
   * @param again the page of the form
   * @param page where a link shows it, in another language. By default, the page with the path of the form, or the section
   */
  form(url: string, section: Section, again: Render, act: Act, page?: string): void {
    this.#app.post(url, { schema: { hide: true } }, async (request, reply) => {
      const known = page ?? (this.#pages.has(url) ? url : undefined)
      const path = known === undefined ? pathOf({ base: this.#base }, section) : `${this.#base}${known}`
      const visit = await this.#open(request, reply, accountPageOf(request, path))
      if (visit === undefined) return this.toLogin(reply, section)
      if (!hasToken(request, visit.view.xsrf)) return sendForeign(visit)
      return this.#act(visit, section, again, act)
    })
  }

  /**
   * The address to which another site sends the browser back. It has no token: `act` checks that the browser was sent there.
   * @param again the page from which the browser went there
   * @param page where a link shows it, in another language
   */
  callback(url: string, section: Section, again: Render, act: Act, page: string): void {
    this.#app.get(url, { schema: { hide: true } }, async (request, reply) => {
      const visit = await this.#open(request, reply, accountPageOf(request, `${this.#base}${page}`))
      return visit === undefined ? this.toLogin(reply, section) : this.#act(visit, section, again, act)
    })
  }

  /** What the script asks for: JSON. */
  options(url: string, answer: (visit: Visit) => Promise<object>): void {
    this.#app.post(url, { schema: { hide: true } }, async (request, reply) => {
      const visit = await this.#open(request, reply)
      if (visit === undefined) throw new errors.SessionNotFound('the login has ended')
      if (!hasToken(request, visit.view.xsrf)) return sendForeign(visit)
      reply.header('cache-control', 'no-store')
      return answer(visit)
    })
  }

  /** @param prompt `login`: also if the browser is logged in */
  toLogin(reply: FastifyReply, section: Section, prompt?: 'login'): FastifyReply {
    const url = accountLoginUrl(this.#app.config.issuer, section, prompt)
    return reply.header('cache-control', 'no-store').redirect(url, 303)
  }

  async #act(visit: Visit, section: Section, again: Render, act: Act): Promise<FastifyReply> {
    const { reply, view } = visit
    try {
      const answer = await act(visit)
      return typeof answer === 'object' ? answer : toSection(visit, section, answer)
    } catch (error) {
      if (isLoggedOut(error)) return this.toLogin(reply, section)
      if (error instanceof Problem && error.code === 'insufficient_user_authentication') {
        return reply.redirect(`${view.base}/step-up?to=${section}`, 303)
      }
      const { problem, status } = refusalOf(view.context, error)
      return send(visit, await again(visit, { problem }), status)
    }
  }

  /** @param here where a link shows the page again; undefined: at its own address */
  async #open(request: FastifyRequest, reply: FastifyReply, here?: string): Promise<Visit | undefined> {
    const [app, oidc] = [this.#app, this.#oidc]
    const { issuer } = app.config
    const cookie = app.parseCookie(request.headers.cookie ?? '')[loginCookieOf(issuer)]
    if (cookie === undefined) return undefined
    const login = browserLoginOf(await oidc.current().Session.find(cookie))
    const account = await accountOfLogin(app, login).catch((error: unknown) => {
      if (error instanceof errors.SessionNotFound) return undefined
      throw error
    })
    if (account === undefined) return undefined
    const view: AccountView = {
      context: oidc.pages.contextOf(request.raw, { here }),
      base: this.#base,
      logout: `${basePathOf(issuer)}${paths.end_session}`,
      xsrf: tokenOf(cookie),
      sections: sections.filter((section) => isOn(app, section)),
    }
    return {
      ...account,
      request,
      body: request.body,
      reply,
      view,
      caller: app.callerOf(request, reply),
      now: new Date(),
    }
  }

  /** Lets a link show the page in another language. @param path below the path of the account, with its query */
  showAt({ view, request }: Visit, path: string): void {
    view.context = this.#oidc.pages.contextOf(request.raw, { here: `${view.base}${path}` })
  }

  /** Lets the page run the script for passkeys, if pages may use them. */
  allowScript({ view }: Visit): void {
    const script = scriptOfPages(this.#app)
    if (script !== undefined) view.context = { ...view.context, script }
  }
}

/** Whether the server has the page. */
function isOn({ mfa, config }: FastifyInstance, section: Section): boolean {
  switch (section) {
    case 'factors':
      return mfa.isOn
    case 'identities':
      return config.identityProvidersFile !== undefined
    default:
      return true
  }
}

export function send({ reply, view }: Visit, body: string, status = 200): FastifyReply {
  return reply.code(status).headers(pageHeaders(view.context)).send(body)
}

/** The section of a form or a query; the first one if it names none. */
export function sectionIn(container: unknown): Section {
  const name = textOf(container, 'to') ?? textOf(container, 'state')
  return sections.find((section) => section === name) ?? 'profile'
}

function toSection({ reply, view }: Visit, section: Section, done: DoneKey): FastifyReply {
  return reply.header('cache-control', 'no-store').redirect(`${pathOf(view, section)}?done=${done}`, 303)
}

/** The session or the user ended while the request was answered. */
function isLoggedOut(error: unknown): boolean {
  return error instanceof Problem && error.code === 'session_revoked'
}

/**
 * What forms of a login carry. Only a page that this browser got can have it: the cookie has 250 random bits, and scripts
 * cannot read it.
 */
function tokenOf(cookie: string): string {
  return createHmac('sha256', cookie).update('forms of the account').digest('base64url')
}

function hasToken({ body }: FastifyRequest, expected: string): boolean {
  const given = Buffer.from(textOf(body, 'xsrf') ?? '')
  return given.length === expected.length && timingSafeEqual(given, Buffer.from(expected))
}

function sendForeign(visit: Visit): FastifyReply {
  const { context } = visit.view
  return send(visit, errorPage(context, { code: 'foreign_form', message: context.t('error.foreign_form') }), 403)
}
