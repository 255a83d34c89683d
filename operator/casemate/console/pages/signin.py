"""Where somebody signs in."""

from casemate.console.html import element
from casemate.console.pages import frame
from casemate.console.pages.frame import Signed

TOKEN = "token"  # noqa: S105  the name of a field
LONGEST = 16_384
"""Characters of a token."""


def sign_in(word: str, problem: str = "") -> str:
    """Return the page.

    Args:
        word: What shows that this site made the form.
        problem: Why the last attempt failed, or why somebody is here again.
    """
    nobody = Signed("", word)
    field = element(
        "input",
        id_=TOKEN,
        name_=TOKEN,
        type_="password",
        required=True,
        autofocus=True,
        autocomplete="off",
        spellcheck="false",
        maxlength=str(LONGEST),
        aria_describedby="about",
    )
    about = element(
        "p",
        "Your own Kubernetes token: the ID token of your site's identity provider. What you do"
        " here, the API server sees you do, with your rights and no others. The token stays in the"
        " memory of this console until you sign out, do nothing for 15 minutes, or it ends.",
        id_="about",
    )
    return frame.page(
        "Sign in",
        frame.alert(problem) if problem else None,
        frame.form(
            frame.SIGN_IN,
            nobody,
            element("label", "Token", for_=TOKEN),
            field,
            about,
            element("p", element("button", "Sign in", type_="submit"), class_="actions"),
        ),
    )


def told(title: str, sentence: str, signed: Signed | None = None) -> str:
    """Return a page that says one thing, such as why something did not work."""
    return frame.page(title, frame.alert(sentence), signed=signed)
