package schema

import "strings"

// two reads two digits at i, -1 if they are none.
func two(s string, i int) int {
	if i+2 > len(s) || !digit(s[i]) || !digit(s[i+1]) {
		return -1
	}
	return int(s[i]-'0')*10 + int(s[i+1]-'0')
}

func within(n, low, high int) bool { return n >= low && n <= high }

// isDate is full-date of RFC 3339, section 5.6.
func isDate(s string) bool {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return false
	}
	century, year, month, day := two(s, 0), two(s, 2), two(s, 5), two(s, 8)
	if century < 0 || year < 0 || !within(month, 1, 12) {
		return false
	}
	year += century * 100
	days := 31
	switch {
	case month == 4 || month == 6 || month == 9 || month == 11:
		days = 30
	case month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0):
		days = 29
	case month == 2:
		days = 28
	}
	return within(day, 1, days)
}

// isDateTime is date-time of RFC 3339, section 5.6.
func isDateTime(s string) bool {
	return len(s) >= 20 && s[10]|0x20 == 't' && isDate(s[:10]) && isTime(s[11:])
}

// IsTime reports whether a [time.Time] is read from s and can be written again: it is a
// date-time of RFC 3339 with T and Z in upper case, and without a leap second, which a
// time.Time cannot hold. Package time itself takes more, such as offsets of a day, that it
// then does not write.
func IsTime(s string) bool {
	return isDateTime(s) && s[10] == 'T' && s[len(s)-1] != 'z' && two(s, 17) < 60
}

// TimeNoun completes "is not", for what [IsTime] refuses.
const TimeNoun = "a date and time such as 2030-01-31T12:00:00Z"

// isTime is full-time of RFC 3339, section 5.6. A leap second is the last of a day, UTC.
func isTime(s string) bool {
	if len(s) < 9 || s[2] != ':' || s[5] != ':' {
		return false
	}
	hour, minute, second := two(s, 0), two(s, 3), two(s, 6)
	if !within(hour, 0, 23) || !within(minute, 0, 59) || !within(second, 0, 60) {
		return false
	}
	i := 8
	if s[i] == '.' {
		for i++; i < len(s) && digit(s[i]); i++ {
		}
		if i == 9 {
			return false
		}
	}
	offset := 0
	switch zone := s[i:]; {
	case zone == "Z" || zone == "z":
	case len(zone) == 6 && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':':
		hours, minutes := two(zone, 1), two(zone, 4)
		if !within(hours, 0, 23) || !within(minutes, 0, 59) {
			return false
		}
		if offset = hours*60 + minutes; zone[0] == '-' {
			offset = -offset
		}
	default:
		return false
	}
	const day = 24 * 60
	return second < 60 || (hour*60+minute-offset+day)%day == day-1
}

// isDuration is the duration of RFC 3339, appendix A.
func isDuration(s string) bool {
	if len(s) < 2 || s[0] != 'P' {
		return false
	}
	if weeks, ok := strings.CutSuffix(s[1:], "W"); ok {
		return weeks != "" && strings.Trim(weeks, "0123456789") == ""
	}
	date, clock, timed := strings.Cut(s[1:], "T")
	return inUnits(date, "YMD") && (!timed || clock != "" && inUnits(clock, "HMS"))
}

// inUnits reports whether s is numbers with units, in their order and without a gap.
func inUnits(s, units string) bool {
	for first := true; s != ""; first = false {
		i := 0
		for i < len(s) && digit(s[i]) {
			i++
		}
		if i == 0 || i == len(s) {
			return false
		}
		unit := strings.IndexByte(units, s[i])
		if unit < 0 || unit > 0 && !first {
			return false
		}
		units, s = units[unit+1:], s[i+1:]
	}
	return true
}
