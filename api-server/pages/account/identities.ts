import { html } from 'ghtml'
import { hiddenField, textField } from '../form.ts'
import {
  type AccountView,
  accountForm,
  accountPage,
  currentPasswordField,
  dateOf,
  type Outcome,
  pathOf,
} from './layout.ts'

/** A provider, as users see it. */
interface ShownProvider {
  id: string
  name: string
}

/** An account at another provider that is linked to that of the user. */
interface ShownIdentity {
  id: string
  /** Of its provider. */
  name: string
  /** As the provider told it last; undefined: it has told none. */
  email: string | undefined
  createdAt: Date
  lastUsedAt: Date
}

/** The page with the accounts of other providers that are linked to that of the user. */
export function identitiesPage(
  view: AccountView,
  { identities, providers }: { identities: readonly ShownIdentity[]; providers: readonly ShownProvider[] },
  outcome: Outcome,
): string {
  const { t } = view.context
  const list = html`<p>${t('identities.intro')}</p>
<ul class="items">!${identities.map((identity) => itemOf(view, identity))}</ul>
<p>${t('identities.unlinkHint')}</p>`
  const ways = providers.map(
    ({ id, name }) =>
      html`<a class="button plain" href="${linkPathOf(view, id)}">${t('identities.link', { provider: name })}</a>`,
  )
  return accountPage(
    view,
    'identities',
    html`!${identities.length === 0 ? html`<p>${t('identities.none')}</p>` : list}
!${ways.join('\n')}`,
    outcome,
  )
}

/** The page on which a user begins to link an account at a provider. */
export function linkPage(
  view: AccountView,
  content: {
    provider: ShownProvider
    /** Whether the user shows by a password that the account is theirs. */
    needsPassword: boolean
  },
  outcome: Outcome,
): string {
  const { t } = view.context
  const { provider, needsPassword } = content
  const password = needsPassword ? textField(currentPasswordField(view), outcome.problem) : ''
  return accountPage(
    view,
    'identities',
    html`<h2>${t('identities.link', { provider: provider.name })}</h2>
<p>${t('identities.linkIntro', { provider: provider.name })}</p>
!${accountForm(view, {
      to: 'identities/link',
      content: html`!${hiddenField('provider', provider.id)}!${password}`,
      label: t('provider.continue', { provider: provider.name }),
    })}`,
    outcome,
  )
}

function linkPathOf(view: AccountView, id: string): string {
  return `${pathOf(view, 'identities')}/link?${new URLSearchParams({ provider: id })}`
}

function itemOf(view: AccountView, { id, name, email, createdAt, lastUsedAt }: ShownIdentity): string {
  const { t } = view.context
  const shown = email === undefined ? name : `${name} (${email})`
  const unlink = accountForm(view, {
    to: 'identities/unlink',
    content: hiddenField('id', id),
    label: t('identities.unlink', { name: shown }),
    plain: true,
  })
  return html`<li><strong dir="auto">${shown}</strong><br>
${t('identities.times', { linked: dateOf(view, createdAt), used: dateOf(view, lastUsedAt) })}
!${unlink}</li>`
}
