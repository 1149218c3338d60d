"""Pages before and around signing in."""

from base64 import b32decode

from django_otp.oath import totp


def test_the_pages_to_sign_in_by(window):
    for scheme in ("light", "dark"):
        nobody = window(color_scheme=scheme)
        for path in ("/login/", "/admin/login/"):
            nobody.accept(path)


def test_who_guesses_is_locked_out(window, world):
    nobody = window()
    for _ in range(3):
        world.sign_in(nobody, "locked", "a wrong password")
    assert "Too many attempts" in nobody.page.inner_text("body")
    nobody.troubles = [text for text in nobody.troubles if "429" not in text]
    nobody.verify()


def test_a_wrong_password_is_told(window, world):
    nobody = window()
    world.sign_in(nobody, "viewer", "a wrong password")
    assert nobody.page.inner_text(".errornote")
    nobody.verify()


def test_a_second_factor_is_set_up_and_asked_for(window, world):
    careful = window()
    world.sign_in(careful, "careful")
    careful.accept("/account/second-factor/")
    secret = b32decode(careful.page.inner_text(".card code").replace(" ", ""))
    careful.page.fill("#id_code", f"{totp(secret):06}")
    careful.page.click("text=Turn on my second factor")
    careful.verify()
    careful.accept("/account/second-factor/")
    stranger = window()
    world.sign_in(stranger, "careful")
    stranger.verify()
    stranger.page.fill("#id_code", f"{totp(secret, drift=1):06}")  # no code is good twice
    stranger.page.click("form [type=submit]")
    assert "careful" in stranger.page.inner_text("#user-tools")
