import { html } from 'ghtml'
import { hiddenField, type TextField, textField } from './form.ts'
import { page, withoutChoice } from './layout.ts'
import type { PageContext } from './pages.ts'
import type { PageProblem } from './problem-message.ts'

interface Asked {
  problem?: PageProblem | undefined
}

/** The page that asks for the email to which a link is sent. */
export function forgotPage(
  context: PageContext,
  content: Asked & {
    /** Where the form goes. */
    action: string
    /** The login that goes on; undefined: none in this browser. */
    back: string | undefined
    email: string | undefined
  },
): string {
  const { t } = context
  const { action, back, email, problem } = content
  return page(context, {
    title: t('forgot.title'),
    problem,
    content: html`<p>${t('forgot.intro')}</p>
<form method="post" action="${action}">
!${textField(emailField(context, email), problem)}
<button type="submit">${t('forgot.submit')}</button>
</form>
!${linkTo(back, t('forgot.back'))}`,
  })
}

/** The page after a mail was requested. It is the same whether or not one is sent. */
export function mailedPage(
  context: PageContext,
  { kind, email, back }: { kind: 'reset' | 'register'; email: string; back: string | undefined },
): string {
  const { t } = context
  return page(withoutChoice(context), {
    title: t('mailed.title'),
    content: html`<p>${t(kind === 'reset' ? 'mailed.reset' : 'mailed.register', { email })}</p>
<p>${t('mailed.hint')}</p>
!${linkTo(back, t('forgot.back'))}`,
  })
}

/** The page on which a user registers. */
export function registerPage(
  context: PageContext,
  content: Asked & {
    /** Of the interaction. */
    path: string
    email: string | undefined
    name: string | undefined
    /** Of a password, in bytes. */
    minLength: number
  },
): string {
  const { t } = context
  const { path, email, name, minLength, problem } = content
  const nameField = { name: 'name', label: t('register.name'), autocomplete: 'name', maxlength: 200, value: name }
  return page(context, {
    title: t('register.title'),
    problem,
    content: html`<form method="post" action="${path}/register">
!${textField(emailField(context, email), problem)}
!${textField(nameField, problem)}
!${newPasswordFields(context, minLength, problem)}
<button type="submit">${t('register.submit')}</button>
</form>
!${linkTo(path, t('register.back'))}`,
  })
}

/** The page of a mailed link, on which a user chooses a new password. */
export function resetPage(
  context: PageContext,
  { action, token, minLength, problem }: Asked & { action: string; token: string; minLength: number },
): string {
  const { t } = context
  return page(context, {
    title: t('reset.title'),
    problem,
    content: html`<form method="post" action="${action}">
!${hiddenField('token', token)}
!${newPasswordFields(context, minLength, problem)}
<button type="submit">${t('reset.submit')}</button>
</form>`,
  })
}

/** The page of a mailed link that confirms an email. Only its form uses the link up. */
export function verifyPage(
  context: PageContext,
  { action, token, problem }: Asked & { action: string; token: string },
): string {
  const { t } = context
  return page(context, {
    title: t('verify.title'),
    problem,
    content: html`<p>${t('verify.intro')}</p>
<form method="post" action="${action}">
!${hiddenField('token', token)}
<button type="submit">${t('verify.submit')}</button>
</form>`,
  })
}

/** The page after a link was used. */
export function linkUsedPage(
  context: PageContext,
  content: {
    kind: 'reset' | 'verify'
    /** The login that goes on in this browser; undefined: none. */
    next: string | undefined
  },
): string {
  const { t } = context
  const { kind, next } = content
  return page(withoutChoice(context), {
    title: t(`${kind}.doneTitle`),
    content: html`<p>${t(`${kind}.done`)}</p>
!${next === undefined ? html`<p>${t('links.elsewhere')}</p>` : linkTo(next, t('links.continue'))}`,
  })
}

/** The page for a link that is not valid. */
export function linkRefusedPage(
  context: PageContext,
  content: {
    kind: 'reset' | 'verify'
    problem: PageProblem
    /** Where to request another link; undefined: on no page. */
    another: string | undefined
  },
): string {
  const { t } = context
  const { kind, problem, another } = content
  return page(context, { title: t(`${kind}.title`), problem, content: linkTo(another, t('links.another')) })
}

/** Two fields for a new password: without JavaScript, a page cannot show what was typed. @param minLength in bytes */
export function newPasswordFields({ t }: PageContext, minLength: number, problem: PageProblem | undefined): string {
  const field = { type: 'password', autocomplete: 'new-password', maxlength: 72 } as const
  const hint = t('password.hint', { characters: String(minLength) })
  return html`!${textField({ ...field, name: 'password', label: t('password.new'), hint }, problem)}
!${textField({ ...field, name: 'repeated', label: t('password.repeated') }, problem)}`
}

function emailField({ t }: PageContext, value: string | undefined): TextField {
  return { name: 'email', label: t('login.email'), type: 'email', autocomplete: 'username', maxlength: 254, value }
}

function linkTo(target: string | undefined, label: string): string {
  return target === undefined ? '' : html`<p><a href="${target}">${label}</a></p>`
}
