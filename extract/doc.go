// Package extract has the extractors that are not everyday enough for the root:
// for the request's metadata ([ClientIP], [Host], [Headers], [Range], …), for
// bodies that no codec decodes ([Bytes], [Text], [Stream]), for credentials and
// cookies, and for uploads.
//
//	type download struct {
//		Name      string `path:"name"`
//		Languages extract.AcceptLanguage
//		Range     extract.Range
//		From      extract.ClientIP
//	}
//
// Each can be a field of a typed input or the whole of it, is read by hand with
// [tako.Extract], and may be absent inside a [tako.Optional]. Values belong to
// who got them, and may be kept. The exceptions are named Raw: [RawBody] and
// [RawHeader] are borrowed until the handler returns.
//
// An error of an extractor is a [tako.Error]. Its text names the input and not
// the program. One that says that nothing was there matches [tako.ErrAbsent].
package extract
