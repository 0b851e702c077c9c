import { colorProblems, type PagesFile } from '@authservice-operator/contract/pages-file.ts'
import type { ResolvedSpec } from '../../api/resolved-spec.ts'
import { metadataOf } from '../../model/labels.ts'
import type { Child, RenderInput } from '../render-input.ts'
import { pagesFile, pagesName } from './secret-mounts.ts'

/** Brand and texts of the pages, which servers follow. It exists with every OpenID provider, so that a first brand replaces no pod. */
export function renderPages(input: RenderInput): Child[] {
  if (input.resolved.oidc === undefined) return []
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: metadataOf(input, pagesName(input.owner.name), 'server'),
      data: { [pagesFile]: JSON.stringify(readablePages(input.resolved)) },
    },
  ]
}

/** The pages without colours that are hard to read: servers would refuse the whole file. */
function readablePages({ pages }: Pick<ResolvedSpec, 'pages'>): PagesFile {
  const { colors, ...others } = pages
  if (colors === undefined) return others
  const { light, dark } = colors
  return {
    ...others,
    colors: {
      ...(light !== undefined && colorProblems({ colors: { light } }).length === 0 && { light }),
      ...(dark !== undefined && colorProblems({ colors: { dark } }).length === 0 && { dark }),
    },
  }
}
