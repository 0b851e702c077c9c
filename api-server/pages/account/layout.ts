import { html } from 'ghtml'
import { hiddenField } from '../form.ts'
import { page } from '../layout.ts'
import type { MessageKey } from '../messages.ts'
import type { PageContext } from '../pages.ts'
import type { PageProblem } from '../problem-message.ts'

/** The pages of an account, in the order of their links. */
export const sections = ['profile', 'password', 'factors', 'identities', 'sessions', 'delete'] as const
export type Section = (typeof sections)[number]

/** What each page of an account needs. */
export interface AccountView {
  context: PageContext
  /** The path of the account, without a slash at its end. */
  base: string
  /** Where the user logs out. */
  logout: string
  /** Shows that a form comes from a page of this login. */
  xsrf: string
  /** The pages that this server has. */
  sections: readonly Section[]
}

/** What an earlier form has led to. */
export interface Outcome {
  problem?: PageProblem | undefined
  /** What was done. */
  done?: MessageKey | undefined
}

const titles: Readonly<Record<Section, MessageKey>> = {
  profile: 'account.title',
  password: 'account.password',
  factors: 'account.factors',
  identities: 'account.identities',
  sessions: 'account.sessions',
  delete: 'account.delete',
}

/** The path of a page of an account. */
export function pathOf({ base }: Pick<AccountView, 'base'>, section: Section): string {
  return section === 'profile' ? base : `${base}/${section}`
}

/** One page of an account. @param content HTML of which every value is escaped */
export function accountPage(view: AccountView, section: Section, content: string, { problem, done }: Outcome): string {
  const { context, logout } = view
  const { t } = context
  const links = view.sections.map((each) => {
    const current = each === section ? html` aria-current="page"` : ''
    return html`<li><a href="${pathOf(view, each)}"!${current}>${t(titles[each])}</a></li>`
  })
  return page(context, {
    title: t(titles[section]),
    problem,
    content: html`!${done === undefined || problem !== undefined ? '' : html`<p class="done" role="status">${t(done)}</p>`}
!${content}
<nav aria-label="${t('account.title')}"><ul>!${links}
<li><a href="${logout}">${t('logout.submit')}</a></li></ul></nav>`,
  })
}

/** A form of such a page. @param form.to where it goes, below the path of the account @param form.content HTML of its fields */
export function accountForm(
  { base, xsrf }: AccountView,
  { to, content = '', label, plain = false }: { to: string; content?: string; label: string; plain?: boolean },
): string {
  return html`<form method="post" action="${base}/${to}">
!${hiddenField('xsrf', xsrf)}
!${content}
<button type="submit"!${plain ? ' class="plain"' : ''}>${label}</button>
</form>`
}

/** The field for the password of the account. */
export function currentPasswordField({ context: { t } }: AccountView) {
  return {
    name: 'current_password',
    label: t('password.current'),
    type: 'password',
    autocomplete: 'current-password',
  } as const
}

/** A time in the language of the page, in the time zone UTC: the server does not know that of the browser. */
export function dateOf({ context: { language } }: AccountView, date: Date): string {
  return new Intl.DateTimeFormat(language, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: 'UTC',
    // As digits in codes are.
    numberingSystem: 'latn',
  }).format(date)
}
