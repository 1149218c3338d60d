"""Files in and out of the back office."""

from tests.flights.conftest import HEADER, row


def test_a_list_is_downloaded(office, world):
    window = office("supervisor")
    window.accept("/admin/bookings/booking/?status__exact=confirmed")
    with window.page.expect_download() as csv:
        window.page.click("text=Export CSV")
    assert csv.value.suggested_filename.startswith("bookings-booking-")
    assert world.boarding["record_locator"] in csv.value.path().read_text()
    with window.page.expect_download() as xlsx:
        window.page.click("text=Export XLSX")
    assert xlsx.value.path().read_bytes()[:2] == b"PK"
    window.verify_quiet()


def test_a_schedule_is_rehearsed_and_imported(office, tmp_path):
    file = tmp_path / "winter.csv"
    file.write_text("\n".join([HEADER, row(), row(flight_number=101, seats="many"), ""]))
    window = office("supervisor")
    window.open("/admin/flights/flight/")
    window.page.click("text=Import a schedule")
    window.verify()
    window.page.set_input_files("#schedule-file", file)
    window.page.click("text=Show what it would change")
    window.verify()
    assert "not a whole number" in window.page.inner_text("#content")
    window.page.click("text=Import: add 1, change 0")
    assert "The file winter.csv is imported: read 2, new 1" in window.page.inner_text(".messagelist")
    window.verify()


def test_a_picture_is_no_schedule(office, tmp_path):
    file = tmp_path / "picture.csv"
    file.write_bytes(bytes(range(256)) * 100)
    window = office("supervisor")
    window.open("/admin/flights/flight/import/")
    window.page.set_input_files("#schedule-file", file)
    window.page.click("text=Show what it would change")
    assert "Nothing was changed." in window.page.inner_text("[role=alert]")
