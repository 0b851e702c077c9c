package test;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.time.Duration;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.client.OAuth2AuthorizeRequest;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.RefreshTokenOAuth2AuthorizedClientProvider;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizedClientRepository;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;

/** A web application that logs users in with Spring Security. It shows its tokens, so it is good for tests only. */
@SpringBootApplication
public class RelyingParty {
  private static final String REGISTRATION = "accounts";

  public static void main(String[] arguments) {
    SpringApplication.run(RelyingParty.class, arguments);
  }

  @Bean
  SecurityFilterChain security(HttpSecurity http, ClientRegistrationRepository clients) {
    var logoutAtProvider = new OidcClientInitiatedLogoutSuccessHandler(clients);
    logoutAtProvider.setPostLogoutRedirectUri("{baseUrl}/");
    // By a link, as in the other applications. Spring's default is a form with a token against CSRF.
    var logout = PathPatternRequestMatcher.withDefaults().matcher(HttpMethod.GET, "/logout");
    return http.authorizeHttpRequests(
            (requests) -> requests.requestMatchers("/", "/login").permitAll().anyRequest().authenticated())
        .oauth2Login(
            (login) ->
                login
                    .loginPage("/login")
                    .redirectionEndpoint((endpoint) -> endpoint.baseUri("/callback"))
                    .defaultSuccessUrl("/", true))
        .logout((each) -> each.logoutRequestMatcher(logout).logoutSuccessHandler(logoutAtProvider))
        .build();
  }

  /** Refreshes each time that the manager is asked: no access token lives for a day. */
  @Bean
  RefreshTokenOAuth2AuthorizedClientProvider refreshTokens() {
    var provider = new RefreshTokenOAuth2AuthorizedClientProvider();
    provider.setClockSkew(Duration.ofDays(1));
    return provider;
  }

  @Controller
  static class Pages {
    private final OAuth2AuthorizedClientManager manager;
    private final OAuth2AuthorizedClientRepository clients;

    Pages(OAuth2AuthorizedClientManager manager, OAuth2AuthorizedClientRepository clients) {
      this.manager = manager;
      this.clients = clients;
    }

    @GetMapping("/login")
    String login() {
      return "redirect:/oauth2/authorization/" + REGISTRATION;
    }

    @GetMapping("/")
    ResponseEntity<?> show(Authentication user, HttpServletRequest request) {
      if (user == null) return ResponseEntity.status(HttpStatus.UNAUTHORIZED).body("not logged in");
      OAuth2AuthorizedClient client = clients.loadAuthorizedClient(REGISTRATION, user, request);
      OidcUser claims = (OidcUser) user.getPrincipal();
      return ResponseEntity.ok()
          .contentType(MediaType.APPLICATION_JSON)
          .body(
              Map.of(
                  "sub", claims.getSubject(),
                  "email", claims.getEmail(),
                  "access_token", client.getAccessToken().getTokenValue()));
    }

    @GetMapping("/refresh")
    String refresh(Authentication user, HttpServletRequest request, HttpServletResponse response) {
      manager.authorize(
          OAuth2AuthorizeRequest.withClientRegistrationId(REGISTRATION)
              .principal(user)
              .attribute(HttpServletRequest.class.getName(), request)
              .attribute(HttpServletResponse.class.getName(), response)
              .build());
      return "redirect:/";
    }
  }
}
