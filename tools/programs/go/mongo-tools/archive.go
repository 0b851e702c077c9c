package main

import (
	"encoding/binary"
	"fmt"
	"hash/crc64"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// https://github.com/mongodb/mongo-tools/blob/master/common/archive/spec.md
const (
	magic      uint32 = 0x8199e26d
	terminator uint32 = 0xffffffff
)

var checksums = crc64.MakeTable(crc64.ECMA)

type header struct {
	ConcurrentCollections int32  `bson:"concurrent_collections"`
	FormatVersion         string `bson:"version"`
	ServerVersion         string `bson:"server_version"`
	ToolVersion           string `bson:"tool_version"`
}

// One collection of the archive; its metadata is extended JSON.
type collectionMetadata struct {
	Database   string `bson:"db"`
	Collection string `bson:"collection"`
	Metadata   string `bson:"metadata"`
	Size       int32  `bson:"size"`
	Type       string `bson:"type"`
}

type metadata struct {
	Options        bson.D   `bson:"options,omitempty"`
	Indexes        []bson.D `bson:"indexes"`
	CollectionName string   `bson:"collectionName"`
	Type           string   `bson:"type"`
}

type namespaceHeader struct {
	Database   string `bson:"db"`
	Collection string `bson:"collection"`
	EOF        bool   `bson:"EOF"`
	CRC        int64  `bson:"CRC"`
}

func writeWord(to io.Writer, word uint32) error {
	return binary.Write(to, binary.LittleEndian, word)
}

func writeDocument(to io.Writer, value any) error {
	document, err := bson.Marshal(value)
	if err != nil {
		return err
	}
	_, err = to.Write(document)
	return err
}

// Reads one BSON document; isEnd says that the terminator stands in its place.
func readDocument(from io.Reader) (document bson.Raw, isEnd bool, err error) {
	var length uint32
	if err := binary.Read(from, binary.LittleEndian, &length); err != nil {
		return nil, false, err
	}
	if length == terminator {
		return nil, true, nil
	}
	const largest = 17 << 20
	if length < 5 || length > largest {
		return nil, false, fmt.Errorf("a document of %d bytes: the archive is broken", length)
	}
	document = make(bson.Raw, length)
	binary.LittleEndian.PutUint32(document, length)
	_, err = io.ReadFull(from, document[4:])
	return document, false, err
}
