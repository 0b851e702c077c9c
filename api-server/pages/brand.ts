import { type PageLanguage, type PagesFile, pageLanguages } from '@authservice-operator/contract/pages-file.ts'
import type { Messages } from './messages.ts'

/** How the pages of one server look, and which texts replace those of the languages. */
export interface Brand {
  /** The name of the service; undefined: the pages show none. */
  name: string | undefined
  /** Images as `data:` URIs. The pages load nothing from elsewhere. */
  logo: { light: string; dark: string | undefined } | undefined
  /** The colour of buttons and links, `#rrggbb`, on a light and on a dark page. */
  accent: { light: string; dark: string }
  /** Addresses of pages that the operator of the service has elsewhere. */
  links: Readonly<Partial<Record<(typeof brandLinks)[number], string>>>
  /** Languages that the pages offer; the first one is the default. */
  languages: readonly [PageLanguage, ...PageLanguage[]]
  texts: Readonly<Partial<Record<PageLanguage, Messages>>>
}

/** Links at the end of each page, in their order. */
export const brandLinks = ['privacy', 'terms', 'help'] as const

const plainAccent = { light: '#1d4ed8', dark: '#9dbcff' }

/** @param file with texts whose keys were checked */
export function brandOf({ name, logo, colors, links = {}, languages = [], texts = {} }: PagesFile): Brand {
  const [first, ...others] = languages
  return {
    name,
    logo: logo === undefined ? undefined : { light: logo.light, dark: logo.dark },
    accent: { light: colors?.light ?? plainAccent.light, dark: colors?.dark ?? plainAccent.dark },
    links,
    languages: first === undefined ? pageLanguages : [first, ...others],
    texts,
  }
}

/** The pages without a brand. */
export const plainBrand = brandOf({})
