import type { Child, RenderInput } from '../render-input.ts'
import { previewName } from '../server/server.ts'
import { everyRoutePath, routeOf } from './http-route.ts'
import { everyPath, ingress, rule, tlsOf } from './ingress.ts'
import { controllerOf, generalAnnotations, hostAnnotations } from './ingress-controllers.ts'

/**
 * Routes `previewHost` to the colour without live traffic, while there is one. A separate object, so that creating and
 * deleting it does not affect the route to the live colour. Only the server enforces limits, because few people know
 * the name.
 */
export function renderPreview(input: RenderInput): Child[] {
  const { ingress, rollout } = input.resolved
  const { previewHost } = rollout.blueGreen
  if (previewHost === undefined || input.placement.previewColor === undefined) return []
  switch (ingress.type) {
    case 'Ingress':
      return [previewIngress(input, previewHost)]
    case 'Gateway':
      return [previewRoute(input, previewHost)]
    case 'Nginx': // its configuration always contains both hosts, because pods take a minute to load another one
    case 'None':
      return []
  }
}

function previewIngress(input: RenderInput, host: string): Child {
  const controller = controllerOf(input.exposure)
  const compiled = {
    ...generalAnnotations(controller),
    ...hostAnnotations(controller, input.resolved.traits.hsts),
  }
  const name = previewName(input)
  return ingress(input, name, compiled, {
    rules: [rule({ host, service: name }, everyPath)],
    ...tlsOf(input, host),
  })
}

function previewRoute(input: RenderInput, host: string): Child {
  const name = previewName(input)
  return routeOf(input, { name, host }, [{ matches: everyRoutePath, backendRefs: [{ name, port: 80 }] }])
}
