import { everyRoutePath, routeOf } from './http-route.ts'
import { everyPath, ingress, rule, tlsOf } from './ingress.ts'
import { controllerOf, generalAnnotations, hostAnnotations } from './ingress-controllers.ts'
import type { Child, RenderInput } from './render-input.ts'
import { previewName } from './server.ts'

/**
 * What leads `previewHost` to the colour without the traffic, while there is one. An object of its own, so that its
 * coming and going touches nothing of the way to the live colour. The limits are the server's: few know the name.
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
    case 'Nginx': // its configuration has both hosts all the time: pods take a minute to see another one
    case 'None':
      return []
  }
}

function previewIngress(input: RenderInput, host: string): Child {
  const controller = controllerOf(input.front)
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
