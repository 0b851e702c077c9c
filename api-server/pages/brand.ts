import type { Language, Messages } from './messages.ts'

/** How the pages of one server look, and which texts replace those of the languages. */
export interface Brand {
  /** The name of the service; undefined: the pages show none. */
  name: string | undefined
  /** Images as `data:` URIs. The pages load nothing from elsewhere. */
  logo: { light: string; dark: string | undefined } | undefined
  /** The colour of buttons and links, `#rrggbb`, on a light and on a dark page. */
  accent: { light: string; dark: string }
  /** Addresses of pages that the operator of the service has elsewhere. */
  links: Readonly<Partial<Record<BrandLink, string>>>
  texts: Readonly<Partial<Record<Language, Messages>>>
}

/** Links at the end of each page, in their order. */
export const brandLinks = ['privacy', 'terms', 'help'] as const
type BrandLink = (typeof brandLinks)[number]

/** The pages without a brand. */
export const plainBrand: Brand = {
  name: undefined,
  logo: undefined,
  accent: { light: '#1d4ed8', dark: '#9dbcff' },
  links: {},
  texts: {},
}
